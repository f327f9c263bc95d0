"""Documents: what is read of each kind, and what is refused."""

import io
import sys
from types import SimpleNamespace

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from runner import TaskGraphRunner, TaskRunner
from runner.errors import RunFault, RunnerError
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.library.doc.kinds import kind_of
from runner.library.doc.markup import read_html, read_markdown
from runner.library.doc.pages import read_pdf
from runner.library.doc.parse import Parse
from runner.library.doc.rows import read_csv, read_json
from runner.library.doc.tree import read_xml
from tests.runner.library.flowing import cancelled

HTML = """<!doctype html><html lang="de"><head><title>Rivers &amp; arms</title>
<meta name="description" content="Of water"><script>alert(1)</script></head>
<body><h1>Rivers</h1><p>They <b>part</b>,<br>and meet.</p><a href="/more">More</a>
<table><tr><td>Rhine</td><td>1,230 km</td></tr></table></body></html>"""
MARKDOWN = "# Rivers\n\nThey *part*.\n\n## Arms\n\n```\ncode\n```\n"
XML = "<rivers n='2'><river>Rhine <by>Basel</by></river><river/></rivers>"


def read(reader, content):
    """Read all of a document; give its text, its values, what is known of it."""
    document = reader(content if isinstance(content, bytes) else content.encode())
    parts = list(document.parts)
    items = [item for part in parts for item in part.items]
    return "".join(part.text for part in parts), items, document.meta


def pdf_of(*pages, password=""):
    """Write a PDF with a line of text on each page."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 300)
        names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
        font = DictionaryObject({NameObject(k): NameObject(v) for k, v in names.items()})
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        drawn = DecodedStreamObject()
        drawn.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(drawn)
    writer.add_metadata({"/Title": "Rivers"})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def pdf_with_a_torn_page():
    """Write a PDF whose second page ends within a word."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf_of("whole", "torn")))
    torn = DecodedStreamObject()
    torn.set_data(b"BT /F1 12 Tf (a Tj ET")
    writer.pages[1][NameObject("/Contents")] = writer._add_object(torn)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_html_gives_words_links_and_title():
    text, links, meta = read(read_html, HTML)
    assert text == "Rivers\nThey part,\nand meet.\nMore\nRhine\n1,230 km\n"
    assert links == [{"text": "More", "href": "/more"}]
    assert meta == {
        "kind": "html",
        "title": "Rivers & arms",
        "language": "de",
        "description": "Of water",
    }


@pytest.mark.parametrize(
    "content",
    [
        "<p>Flüsse</p>".encode(),
        '<meta charset="iso-8859-1"><p>Flüsse</p>'.encode("latin-1"),
        "<p>Flüsse</p>".encode("cp1252"),
        '<meta charset="no-such"><p>Flüsse</p>'.encode("cp1252"),
    ],
)
def test_html_is_read_in_its_encoding(content):
    assert read(read_html, content)[0] == "Flüsse\n"


def test_html_in_no_encoding_at_all_still_gives_its_words():
    assert read(read_html, b"<p>Fl\xfcsse\x81</p>")[0] == "Flüsse\x81\n"


def test_a_pdf_gives_page_by_page():
    text, pages, meta = read(read_pdf, pdf_of("A river parts", "and meets again"))
    assert text == "A river parts\n\nand meets again\n\n"
    assert pages == [
        {"page": 1, "text": "A river parts"},
        {"page": 2, "text": "and meets again"},
    ]
    assert meta == {"kind": "pdf", "pages": 2, "title": "Rivers"}


def test_csv_gives_rows_whatever_parts_them():
    text, rows, meta = read(read_csv, "name;km;\nRhine;1230;x\n\nMain;\n")
    assert rows == [
        {"name": "Rhine", "km": "1230", "column_3": "x"},
        {"name": "Main", "km": "", "column_3": ""},
    ]
    assert text == "Rhine\t1230\tx\nMain\t\n"
    assert (meta["delimiter"], meta["rows"]) == (";", 2)


def test_csv_columns_of_one_name_are_told_apart():
    assert read(read_csv, "a,a\n1,2\n")[1] == [{"a": "1", "a_2": "2"}]


@pytest.mark.parametrize(
    ("content", "items"),
    [('[{"a": 1}, 2]', [{"a": 1}, 2]), ('{"a": [1]}', [{"a": [1]}]), ("\ufeff3", [3]), ("[]", [])],
)
def test_json_gives_items(content, items):
    _, found, meta = read(read_json, content)
    assert (found, meta) == (items, {"kind": "json", "items": len(items)})


def test_xml_gives_the_elements_in_its_root():
    text, elements, meta = read(read_xml, XML)
    by = {"tag": "by", "attributes": {}, "text": "Basel", "children": []}
    assert elements == [
        {"tag": "river", "attributes": {}, "text": "Rhine", "children": [by]},
        {"tag": "river", "attributes": {}, "text": "", "children": []},
    ]
    assert text == "Rhine Basel\n"
    assert meta == {"kind": "xml", "root": "rivers", "attributes": {"n": "2"}}


def test_markdown_gives_words_and_headings():
    text, headings, meta = read(read_markdown, MARKDOWN)
    assert text == "Rivers\nThey part.\nArms\ncode\n"
    assert headings == [{"level": 1, "text": "Rivers"}, {"level": 2, "text": "Arms"}]
    assert meta["title"] == "Rivers"


def test_markdown_keeps_the_lines_of_a_paragraph():
    assert (
        read(read_markdown, "They part\nand meet,  \nagain.\n")[0]
        == "They part\nand meet,\nagain.\n"
    )


def test_xml_without_elements_in_its_root_gives_its_words():
    assert read(read_xml, "<river> Rhine\n</river>")[:2] == ("Rhine\n", [])


BOMB = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("reader", "content", "said"),
    [
        (read_xml, f'<!DOCTYPE r [<!ENTITY l0 "ha">{BOMB}]><r>&l9;</r>', "declares entities"),
        (read_xml, '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', "declares"),
        (read_xml, "<r>&x;</r>", "no XML at line 1: undefined entity"),
        (read_xml, "<a>\n<b></a>", "no XML at line 2: mismatched tag"),
        (read_xml, "<a>" * 101, "nests deeper than 100 elements"),
        (read_json, '{"a": 1,\n]', "no JSON at line 2, character 1"),
        (read_json, "[" * 100_000, "nests too deeply"),
        (read_json, "9" * 5000, "a number too long"),
        (read_csv, "a,b\n1,2,3\n", "Line 2 has 3 fields, and the first line names 2; quote"),
        (read_csv, 'a,b\n"1,2\n', "no CSV at line 2"),
        (read_csv, '"a,b\n', "no CSV at line 1"),
        (read_csv, b"\xff\xfe", "no text in UTF-8"),
        (read_pdf, b"%PDF-1.7 and nothing", "cannot be read"),
        (read_pdf, pdf_of("a", password="secret"), "locked by a password; save it without"),
        (read_pdf, pdf_of("a")[:-400], "cannot be read"),
        (read_pdf, pdf_with_a_torn_page(), "page 2 of it is damaged .*Save it anew"),
    ],
)
def test_a_damaged_or_harmful_document_gets_a_sentence(reader, content, said):
    with pytest.raises(RunnerError, match=said):
        read(reader, content)


@pytest.mark.parametrize(
    ("name", "media_type", "content", "kind"),
    [
        ("a.bin", "text/html; charset=utf-8", b"", "html"),
        ("a.CSV", "", b"{", "csv"),
        ("a", "", b"\xef\xbb\xbf <?XML version='1.0'?>", "xml"),
        ("", "", b"%PDF-1.7", "pdf"),
        ("", "", b" [1]", "json"),
        ("", "", b"<!DOCTYPE HTML>", "html"),
        ("a.unknown", "application/octet-stream", b"words", "text"),
    ],
)
def test_a_kind_shows_by_type_name_or_beginning(name, media_type, content, kind):
    assert kind_of(name, media_type, content) == kind


@pytest.mark.parametrize(
    ("package", "reader", "said"),
    [
        ("pypdf", read_pdf, "Reading PDF needs the package pypdf"),
        ("selectolax.lexbor", read_html, "Reading HTML needs the package selectolax"),
        ("markdown_it", read_markdown, "Reading Markdown needs the package markdown-it-py"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, reader, said):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RunnerError, match=said):
        read(reader, b"content")


# ── as a task ───────────────────────────────────────────────────────────────────────────────────


class ParseHere(Parse):
    """Reads in a thread of this process."""

    place = "thread"  # type: ignore[assignment]  # elsewhere than its base, on purpose


ANYWHERE = pytest.mark.parametrize("parse", [Parse, ParseHere])


def host_with(content, name):
    """Give a host that has a file, and the file."""
    host = Host(artifacts=MemoryArtifacts(), is_watched=lambda _run: True)
    return host, RunArtifacts(host.artifacts, "").save(content, name, "application/octet-stream")


@ANYWHERE
async def test_a_file_is_read_wherever_its_body_runs(parse):
    host, file = host_with(pdf_of("A river parts"), "rivers.pdf")
    found = await TaskRunner(host=host).run(parse, {"file": file})
    assert found["text"] == "A river parts\n\n"
    assert found["meta"]["pages"] == 1


async def test_a_text_has_words_and_no_parts():
    found = await TaskRunner().run(ParseHere, {"text": "Rivers part."})
    assert found == {"text": "Rivers part.", "data": [], "meta": {"kind": "text"}}


async def test_a_link_is_a_part_without_words_of_its_own():
    found = await TaskRunner().run(ParseHere, {"text": "<!doctype html><a href='/x'>More</a>"})
    assert (found["text"], found["data"]) == ("More\n", [{"text": "More", "href": "/x"}])


def test_a_cancelled_reader_stops_at_the_next_part():
    inputs = Parse.Inputs(text="a\n1\n")
    with pytest.raises(RunnerError, match="Stopped before the end of the document"):
        Parse({"kind": "csv"}).execute(inputs, SimpleNamespace(cancelled=True))


async def test_rows_flow_on_before_the_last_is_read_and_a_cancel_ends_it():
    host, file = host_with(b"a,b\n" + b"1,2\n" * 200_000, "rows.csv")
    run = TaskGraphRunner(host=host).start(Parse({"parts": 1_000_000}), {"file": file})
    async for row in run.stream("data"):
        assert row == {"a": "1", "b": "2"}
        break
    assert await cancelled(run) < 1


@pytest.mark.parametrize(
    ("config", "inputs", "said"),
    [
        ({}, {}, "takes a file or a text, one of them"),
        ({"kind": "json"}, {"text": "{"}, "no JSON at line 1"),
        ({"kind": "csv", "parts": 1}, {"text": "a\n1\n2\n"}, "more than 1 pages or rows; raise"),
    ],
)
@ANYWHERE
async def test_what_cannot_be_read_gets_a_sentence(parse, config, inputs, said):
    with pytest.raises(RunFault, match=said):
        await TaskRunner().run(parse(config), inputs)


@ANYWHERE
async def test_a_file_that_is_too_large_is_not_read(parse):
    host, file = host_with(b"x" * (1 << 20) + b"y", "a.txt")
    with pytest.raises(RunFault, match=r"'a\.txt' is larger than 1 MiB; raise the setting"):
        await TaskRunner(host=host).run(parse({"largest": 1}), {"file": file})

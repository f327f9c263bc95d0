"""http.request against a web server on this machine: bodies, redirects, limits, credentials."""

import asyncio
import gzip
import json
import zlib
from pathlib import Path

import pytest

from runner import expression
from runner.errors import ValueFault
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.graph.registry import default_registry
from runner.library.http.request import Request
from runner.run.status import RunStatus
from tests.loopback import drips, head, in_turn, leads_to, says, says_json, serving
from tests.outside import TOKEN, asked, asking

MiB = 1 << 20


async def request(server, path="/page", config=None, **rest):
    return await asked("http.request", server, config, url=f"{server.url}{path}", **rest)


def keyed(**more):
    return {"credential": "rivers", "host": "localhost", **more}


# ── what comes back ─────────────────────────────────────────────────────────────────────────────


async def test_json_is_read_and_its_text_is_given():
    async with serving(page=says_json({"a": [1, 2.5, None]})) as server:
        run = await request(server)
    assert run.outputs["value"] == {"a": [1, 2.5, None]}
    assert json.loads(run.outputs["text"]) == run.outputs["value"]
    assert (run.outputs["status"], run.outputs["file"], run.outputs["events"]) == (200, None, [])
    assert run.outputs["headers"]["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        ("Flüsse".encode("latin-1"), "text/plain; charset=latin-1", "Flüsse"),
        ("Flüsse 🌊".encode(), "text/html", "Flüsse 🌊"),
        ("Flüsse".encode(), "text/plain; charset=klingon", "Flüsse"),
        ("halb ü".encode()[:-1], "text/plain", "halb \ufffd"),
        (b"\xff\x00", "text/plain", "\ufffd\ufffd"),
        (b"x", "text/plain; charset=hex", "x"),
        (b"", "", ""),
    ],
)
async def test_a_text_is_read_in_its_encoding(body, media_type, text):
    async with serving(page=says(body, Content_Type=media_type)) as server:
        run = await request(server)
    assert run.outputs["text"] == text


async def test_anything_else_is_kept_as_a_file_under_its_name():
    async with serving(
        **{"rivers.png": says(b"\x89PNG" * 1000, Content_Type="image/png")}
    ) as server:
        run = await request(server, "/rivers.png?size=2")
    file = run.outputs["file"]
    assert (file.name, file.media_type, file.size) == ("rivers.png", "image/png", 4000)
    assert run.content(file) == b"\x89PNG" * 1000


async def test_a_text_that_says_it_is_longer_than_values_may_be_becomes_a_file():
    async with serving(page=says("x" * 5000)) as server:
        run = await request(server, network=server.network(value_bytes=1000))
    assert (run.outputs["text"], run.outputs["file"].size) == ("", 5000)


async def test_the_first_chunk_is_there_before_the_end():
    """Engine 4.1."""
    go_on = asyncio.Event()
    async with serving(page=drips(b"one ", go_on, b"two")) as server:
        run = asking("http.request", server, url=f"{server.url}/page")
        under_way = await run.begin()
        await run.until("ChunksStored")
        assert run.chunks == ["one "]
        go_on.set()
        await under_way
    assert run.outputs["text"] == "one two"


async def test_events_come_one_by_one():
    go_on = asyncio.Event()
    beginning = head(Content_Type="text/event-stream")
    parts = (b"event: rise\nid: 1\ndata: 3\ndata: m\n\n: still\n\n", go_on, b"data: {}\r\n\r\n")
    async with serving(page=drips(*parts, beginning=beginning)) as server:
        run = asking("http.request", server, url=f"{server.url}/page")
        under_way = await run.begin()
        await run.until("ChunksStored")
        assert run.chunks == [{"event": "rise", "data": "3\nm", "id": "1"}]
        go_on.set()
        await under_way
    assert [each["data"] for each in run.outputs["events"]] == ["3\nm", "{}"]


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "config", "sent", "media_type"),
    [
        ({"a": 1}, {}, b'{"a": 1}', "application/json"),
        (
            {"a": ["x", "y z"]},
            {"body_as": "form"},
            b"a=x&a=y+z",
            "application/x-www-form-urlencoded",
        ),
        ("Flüsse", {}, "Flüsse".encode(), "text/plain; charset=utf-8"),
    ],
)
async def test_a_body_is_sent_as_what_it_is(body, config, sent, media_type):
    async with serving(page=says()) as server:
        await request(server, "/page", {"method": "POST", **config}, body=body)
    (asked_for,) = server.asked
    assert (asked_for.method, asked_for.body) == ("POST", sent)
    assert asked_for.headers["content-type"] == media_type
    assert len(asked_for.headers["idempotency-key"]) == 64


@pytest.mark.parametrize("way", ["/page", "/moved"])
async def test_a_file_is_sent_as_it_is_also_where_it_is_led_on(way):
    artifacts = MemoryArtifacts()
    file = RunArtifacts(artifacts, "").save(b"\x89PNG" * 200_000, "rivers.png", "image/png")
    moved = leads_to("/page", "307 Moved")
    async with serving(page=says(), moved=moved) as server:
        await request(server, way, {"method": "PUT"}, body=file, artifacts=artifacts)
    (*_, received) = server.asked
    assert received.body == b"\x89PNG" * 200_000
    assert received.headers["content-type"] == "image/png"
    assert "transfer-encoding" not in received.headers


@pytest.mark.parametrize(
    ("body", "config", "sentence"),
    [
        ({"a": b"x"}, {}, "cannot be written as JSON"),
        ([1], {"body_as": "form"}, "sent from a mapping"),
    ],
)
async def test_a_body_that_cannot_be_sent_gets_a_sentence(body, config, sentence):
    async with serving(page=says()) as server:
        run = await request(server, "/page", {"method": "POST", **config}, body=body)
    assert sentence in run.error.message
    assert server.connections == 0


async def test_bytes_are_sent_as_they_are():
    async with serving(page=says()) as server:
        await request(server, "/page", {"method": "PUT"}, body=b"\xff\x00")
    assert server.asked[0].body == b"\xff\x00"
    assert "idempotency-key" not in server.asked[0].headers


async def test_an_answer_to_head_has_no_body_however_long_it_would_be():
    beginning = head(Content_Type="image/png", Content_Length=str(1 << 40))
    async with serving(page=drips(beginning=beginning)) as server:
        run = await request(server, "/page", {"method": "HEAD"})
    assert (run.outputs["text"], run.outputs["file"]) == ("", None)
    assert run.outputs["headers"]["content-length"] == str(1 << 40)


async def test_query_and_headers_are_added():
    async with serving(page=says()) as server:
        query = {"page": 2, "of": ["a", "b&c"], "all": True, "none": None}
        await request(server, "/page?x=1", query=query, headers={"Accept": "text/csv"})
    assert server.asked[0].path == "/page?x=1&page=2&of=a&of=b%26c&all=true"
    assert server.asked[0].headers["accept"] == "text/csv"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "a"}, {"Transfer-Encoding": "chunked"}, {"X": "a\r\nY: b"}, {"X\n": "a"}, {"": "a"},
     {"Proxy-Authorization": "a"}, {"X": "\u2028"}, {f"X{each}": "a" for each in range(101)}],
)  # fmt: skip
async def test_headers_that_would_steer_the_connection_are_refused(headers):
    async with serving(page=says()) as server:
        run = await request(server, headers=headers)
    assert run.error.type == "Refused"
    assert server.connections == 0


# ── statuses ────────────────────────────────────────────────────────────────────────────────────


async def test_a_status_of_400_and_above_fails_with_what_the_other_side_says():
    async with serving(page=says("no such river", "404 Not Found")) as server:
        run = await request(server, policy={"retry": {"attempts": 3}})
    assert run.error.message == "localhost answers 404 Not Found: no such river"
    assert len(server.asked) == 1


async def test_a_status_can_be_looked_at_instead():
    async with serving(page=says("no such river", "404 Not Found")) as server:
        run = await request(server, "/page", {"fails": False})
    assert (run.outputs["status"], run.outputs["text"]) == (404, "no such river")


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "500 Oh"])
async def test_what_may_be_better_later_is_tried_again_when_it_is_asked_to_be(status):
    """Promise P6."""
    busy = says("busy", status, Retry_After="0")
    async with serving(page=in_turn(busy, says("at last"))) as server:
        run = await request(server, policy={"retry": {"attempts": 2}})
    assert (run.outputs["text"], run.of("TaskRetrying").delay) == ("at last", 0.0)


async def test_the_time_that_the_other_side_names_is_waited():
    async with serving(page=says("busy", "429 Too Many", Retry_After="77")) as server:
        run = asking(
            "http.request", server, url=f"{server.url}/page", policy={"retry": {"attempts": 2}}
        )
        under_way = await run.begin()
        await run.until("TaskRetrying")
        assert run.of("TaskRetrying").delay == 77.0
        run.executor.cancel("ada")
        await under_way


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


def bomb(size):
    """Give gzip of many zeros, made piece by piece."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join([packer.compress(bytes(MiB)) for _ in range(size // MiB)]) + packer.flush()


def peak():
    """Give the most memory since the last time, in MiB; Linux counts it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    most = next(int(each.split()[1]) for each in lines if each.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return most / 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is counted by Linux")
@pytest.mark.parametrize("answer", ["text", "file"])
async def test_what_unpacks_to_more_than_is_taken_stops_at_the_limit(answer):
    """Trust 2.3: bombs."""
    packed = bomb(300 * MiB)
    async with serving(page=says(packed, Content_Encoding="gzip"), small=says("x")) as server:
        network = server.network(file_bytes=10 * MiB)
        await request(server, "/small")
        peak()
        before = peak()
        run = await request(server, "/page", {"answer": answer}, network=network)
        grown = peak() - before
    assert run.error.type == "SizeLimit"
    assert "more than the 10 MiB" in run.error.message
    assert grown < 30


async def test_a_file_is_no_longer_than_the_store_keeps():
    artifacts = MemoryArtifacts(limit=MiB)
    async with serving(page=drips(*[bytes(MiB)] * 8)) as server:
        run = await request(server, "/page", {"answer": "file"}, artifacts=artifacts)
    assert run.error.message == "This file has more than 1 MiB."


async def test_an_event_is_no_longer_than_what_is_taken():
    endless = drips(b"data: ", *[b"x" * MiB] * 3, beginning=head(Content_Type="text/event-stream"))
    async with serving(page=endless) as server:
        run = await request(server)
        other = await request(server, "/page", network=server.network(value_bytes=1000))
    assert (run.error.type, other.error.type) == ("SizeLimit", "SizeLimit")


async def test_a_text_is_not_taken_for_events():
    async with serving(page=says("x")) as server:
        run = await request(server, "/page", {"answer": "events"})
    assert "text/plain where events were asked for" in run.error.message


async def test_signs_of_a_text_that_come_in_two_parts_are_whole():
    river = "🌊".encode()
    parts = (river[:2], river[2:], b"b", b"")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    beginning = head(Content_Type="text/plain", Transfer_Encoding="chunked")
    async with serving(page=drips(chunks, beginning=beginning)) as server:
        run = await request(server)
    assert run.outputs["text"] == "🌊b"


async def test_a_packed_text_is_unpacked():
    packed = gzip.compress(gzip.compress(b"rivers " * 1000))
    async with serving(page=says(packed, Content_Encoding="gzip, gzip")) as server:
        run = await request(server)
    assert run.outputs["text"] == "rivers " * 1000


@pytest.mark.parametrize("size", [50_000, 5 * MiB])
async def test_more_headers_than_are_taken_are_refused(size):
    async with serving(page=says(X="x" * size)) as server:
        run = await request(server, network=server.network(header_bytes=40_000))
    assert run.error.type == "SizeLimit"


async def test_an_answer_that_drips_ends_when_its_time_is_up():
    """Trust 2.3: slow drip."""
    over = asyncio.Event()

    async def drip(_asked, writer):
        writer.write(head(Content_Type="text/plain"))
        while not over.is_set():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(page=drip) as server:
        run = await request(server, "/page", {"seconds": 0.3})
        over.set()
    assert "took longer than 0.3 seconds" in run.error.message


async def test_a_connection_that_breaks_off_says_so():
    async with serving(page=drips(b"half", beginning=head(Content_Length="100"))) as server:
        run = await request(server)
    assert (run.error.type, run.chunks) == ("Unavailable", ["half"])
    assert "broke off before the end" in run.error.message


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says("{", Content_Type="application/json"), "says that it answers in JSON, and does not"),
        (says("[" * 100_000, Content_Type="application/json"), "says that it answers in JSON"),
        (says("plain", Content_Encoding="gzip"), "not packed as it says"),
    ],
)
async def test_a_body_that_is_not_what_it_says_gets_a_sentence(answer, sentence):
    async with serving(page=answer) as server:
        run = await request(server)
    assert sentence in run.error.message
    assert run.error.type == "Refused"


async def test_a_cancel_ends_it_at_once():
    """Promise P8."""
    never = asyncio.Event()
    async with serving(page=drips(b"one", never)) as server:
        run = asking("http.request", server, url=f"{server.url}/page")
        under_way = await run.begin()
        await run.until("ChunksStored")
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
        never.set()
    assert run.status is RunStatus.CANCELLED


async def test_a_cancel_ends_a_file_that_is_being_saved():
    never, came = asyncio.Event(), asyncio.Event()

    async def page(asked_for, writer):
        came.set()
        await drips(b"x" * MiB, never)(asked_for, writer)

    async with serving(page=page) as server:
        run = asking("http.request", server, {"answer": "file"}, url=f"{server.url}/page")
        under_way = await run.begin()
        await came.wait()
        run.executor.cancel("ada")
        await asyncio.wait_for(under_way, 1)
        never.set()
    assert run.status is RunStatus.CANCELLED


# ── credentials ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("config", "header", "begins"),
    [
        ({}, "authorization", "Bearer tok_"),
        ({"scheme": "basic"}, "authorization", "Basic dG9r"),
        ({"scheme": "header", "header": "X-Key"}, "x-key", "tok_"),
    ],
)
async def test_a_credential_is_sent_and_told_to_nobody_else(config, header, begins, caplog):
    """Engine 2.3, 6.6."""

    async def mirror(asked_for, writer):
        sent = asked_for.headers[header]
        await says(f"you sent {sent}", X_Sent=sent)(asked_for, writer)

    async with serving(page=mirror, no=says(TOKEN, "400 No")) as server:
        run = await request(server, "/page", keyed(**config))
        failed = await request(server, "/no", keyed(**config))
    assert server.asked[0].headers[header].startswith(begins)
    assert "•••" in run.outputs["text"]
    for text in (run.everything, failed.everything, caplog.text):
        assert TOKEN not in text
        assert server.asked[0].headers[header].rpartition(" ")[2] not in text


async def test_a_credential_goes_to_no_other_host():
    """Engine 6.6."""
    async with serving(page=says()) as server:
        config = keyed(host="api.example.org")
        run = await request(server, "/page", config)
    assert "is for api.example.org, not for localhost" in run.error.message
    assert server.connections == 0


async def test_a_redirect_to_another_server_takes_no_secrets_along():
    async with serving(end=says("end")) as server:
        network = server.network("localhost", "127.0.0.1")
        server.routes["/page"] = leads_to(f"http://127.0.0.1:{server.port}/end")
        run = await request(
            server, "/page", keyed(), headers={"X-Own": "1", "Accept": "a/b"}, network=network
        )
    first, second = server.asked
    assert run.outputs["text"] == "end"
    assert {"authorization", "x-own", "accept"} <= first.headers.keys()
    assert not {"authorization", "x-own"} & second.headers.keys()
    assert second.headers["accept"] == "a/b"


async def test_a_redirect_on_the_same_server_keeps_the_credential():
    async with serving(page=leads_to("/end"), end=says("end")) as server:
        await request(server, "/page", keyed())
    assert [each.headers["authorization"] for each in server.asked] == [f"Bearer {TOKEN}"] * 2


async def test_a_credential_is_not_sent_in_the_clear_to_a_host_that_nobody_lists():
    config = keyed(host="example.org")
    async with serving() as server:
        run = await asked("http.request", server, config, url="http://example.org/page")
    assert "is only sent encrypted; write https://" in run.error.message


async def test_a_credential_that_is_not_taken_is_waited_for():
    """Engine 6.6."""

    async def strict(asked_for, writer):
        taken = asked_for.headers["authorization"] == "Bearer new-token-of-ada"
        await says("yes" if taken else "no", "200 OK" if taken else "401 No")(asked_for, writer)

    async with serving(page=strict) as server:
        run = asking("http.request", server, keyed(), url=f"{server.url}/page")
        under_way = await run.begin()
        await run.until("TaskAwaiting")
        assert "'rivers' has expired; renew it" in run.of("TaskAwaiting").detail["message"]
        run.credentials.renew("ada", "rivers", "new-token-of-ada")
        run.executor.renew("ada")
        await asyncio.wait_for(under_way, 10)
    assert run.outputs["text"] == "yes"


async def test_a_credential_that_no_header_can_hold_is_not_sent():
    async with serving(page=says()) as server:
        run = asking("http.request", server, keyed(), url=f"{server.url}/page")
        run.credentials.renew("ada", "rivers", "tok_with a\nline end")
        await run.end()
    assert "has signs that no header may have" in run.error.message
    assert server.connections == 0
    assert "tok_with" not in run.everything


@pytest.mark.parametrize("url", ["http://a:b/", "http://a/" + "x" * 8200, "http://a/ b"])
async def test_a_url_that_is_none_gets_a_sentence(url):
    async with serving() as server:
        run = await asked("http.request", server, url=url)
    assert run.error.type == "Refused"


async def test_a_fault_whose_words_break_off_is_told_as_far_as_they_came():
    beginning = head("500 Oh", Content_Length="1000")
    async with serving(page=drips(b"the river is", beginning=beginning)) as server:
        run = await request(server)
    assert run.error.message == "localhost answers 500 Oh: the river is"


@pytest.mark.parametrize("setting", ["credential", "host"])
def test_which_credential_is_sent_is_never_worked_out(setting):
    """Engine 6.6."""
    with pytest.raises(ValueFault, match="is known before a run; give a constant"):
        Request(keyed() | {setting: expression("body")})


def test_a_credential_without_a_host_is_refused_while_drawing():
    with pytest.raises(ValueFault, match="say in its setting host where it may go"):
        Request({"credential": "rivers"})


def test_what_a_task_needs_is_what_its_settings_say():
    """Engine 6.6."""
    (need,) = Request(keyed(host="API.example.org")).needs
    assert (need.name, need.hosts) == ("rivers", ("api.example.org",))
    assert Request().needs == default_registry().get("http.request").needs == ()

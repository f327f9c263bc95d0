"""Markdown that anybody may have written stands on a page and does nothing there."""

from html.parser import HTMLParser

import pytest
from django.utils.safestring import SafeString

from workflows.markdown import LONGEST, SCHEMES, TAGS, rendered

HOSTILE = [
    # HTML, as it is
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script href=data:,alert(1)></script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=https://evil.test/x.css>",
    "<base href=https://evil.test/>",
    '<meta http-equiv="refresh" content="0;url=https://evil.test/">',
    "<form action=https://evil.test/><input name=password><button>Sign in</button></form>",
    "<object data=https://evil.test/></object><embed src=https://evil.test/>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<div hx-get=/runs/ hx-trigger=load>load</div>",
    "<a href=javascript:alert(1) onclick=alert(1)>go</a>",
    "<p id=run class=not-live style=position:fixed;inset:0>cover</p>",
    "<details open ontoggle=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><!DOCTYPE html>",
    "a <scr<script>ipt>alert(1)</script> b",
    # what a parser may make of it
    "[go](javascript:alert(1))",
    "[go](JaVaScRiPt:alert(1))",
    "[go](&#106;avascript&colon;alert(1))",
    "[go](java\tscript:alert(1))",
    "[go](\x01javascript:alert(1))",
    "[go](vbscript:msgbox(1))",
    "[go](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[go](file:///etc/passwd)",
    "[go](/sign-out/)",
    "[go](//evil.test/)",
    "[go](\\\\evil.test\\)",
    "[go]: javascript:alert(1)\n\n[go]",
    "<javascript:alert(1)>",
    '[go](https://evil.test/ "x\\" onmouseover=alert(1) y=\\"")',
    "[go](https://evil.test/?\"onmouseover='alert(1)')",
    "![seen](https://evil.test/seen.gif)",
    '![x](x"onerror=alert(1))',
    "[![x](data:image/svg+xml,<svg/onload=alert(1)>)](https://evil.test/)",
    '```"><script>alert(1)</script>\ncode\n```',
    "`<img src=x onerror=alert(1)>`",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
]


class Seen(HTMLParser):
    """What a browser would find: tags with their attributes, and the text between."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.others = set(), [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_is_left_without_effect(text):
    seen = Seen(rendered(text))
    assert seen.tags <= TAGS
    assert not seen.others
    for tag, name, value in seen.attributes:
        assert (tag, name) in {("a", "href"), ("a", "rel"), ("ol", "start")}
        assert name != "href" or value.partition(":")[0].lower() in SCHEMES


def test_nothing_is_lost_where_html_is_not_passed_on():
    text = "Use <b>bold</b> & <script>alert(1)</script> with care."
    assert Seen(rendered(text)).text.strip() == text


def test_a_text_is_rendered_with_its_tables_lists_and_code():
    html = rendered("3. one\n\n|a|b|\n|-|-|\n|1|~~2~~|\n\n```python\nx < 1\n```\n*very* **good**")
    assert '<ol start="3">' in html
    assert "<td><s>2</s></td>" in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html
    assert "<em>very</em> <strong>good</strong>" in html
    assert isinstance(html, SafeString)


def test_links_leave_no_trace_of_where_they_come_from():
    assert rendered("[docs](https://docs.test/?a=1&b=2)") == (
        '<p><a href="https://docs.test/?a=1&amp;b=2" rel="noopener noreferrer nofollow">docs</a></p>\n'
    )


def test_an_image_is_a_link_so_that_nothing_loads_by_itself():
    assert Seen(rendered("![chart](https://a.test/c.png)")).tags == {"p", "a"}


def test_headings_stand_below_those_of_the_page():
    html = rendered("# a\n## b\n### c\n#### d")
    assert [html.count(f"<h{level}>") for level in range(1, 7)] == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("over", [0, 1])
def test_a_text_that_is_too_long_is_cut(over):
    assert Seen(rendered("x" * (LONGEST + over))).text.strip() == "x" * LONGEST


@pytest.mark.parametrize(
    "unit", [">", "* ", "[", "[a](", "**a_", "`a``", "&#x1", "<a:", "|a\n|-\n"]
)
def test_a_text_made_to_keep_the_parser_busy_still_ends(unit):
    assert Seen(rendered(unit * (LONGEST // len(unit)))).tags <= TAGS

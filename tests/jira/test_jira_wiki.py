"""What people write in Jira, as Markdown: nothing of it but words, bold, code, lists and links to http."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jira.wiki import from_document, markdown
from bot.slack.mrkdwn import from_markdown


@pytest.mark.parametrize(
    ("wiki", "expected"),
    [
        ("h3. Title\nplain *bold* and _it_", "# Title\nplain **bold** and *it*"),
        ("* one\n** two\n# three", "- one\n  - two\n1. three"),
        ("{code:sql}\nselect *bold*\n{code}", "`select *bold*`"),
        ("{{a_b_c}} snake_case_name 2*3*4", "`a_b_c` snake_case_name 2*3*4"),
        (
            "[the page|https://example.com/x] [https://example.com]",
            "[the page](https://example.com/x) https://example.com",
        ),
        ("[evil|javascript:alert(1)] [mail|mailto:a@b.example]", "evil mail"),
        ("[~accountid:5b10] and [~dana]", "@5b10 and @dana"),
        ("||Host||Port||\n|sftp|22|", "Host | Port\nsftp | 22"),
        ("{color:red}red{color} {panel:title=x}in{panel}", "red in"),
        ("bq. said", "> said"),
        ("!shot.png|thumbnail! !!!", "(shot.png) !!!"),
        ("\\{not\\} \\[a\\]", "{not} [a]"),
        ("a\n----\nb", "a\n\nb"),
        ("", ""),
    ],
)
def test_wiki_markup_becomes_markdown(wiki: str, expected: str) -> None:
    assert markdown(wiki) == expected


def test_people_are_named_where_their_names_are_known() -> None:
    assert markdown("[~accountid:5b10]?", {"5b10": "Dana Base"}) == "@Dana Base?"


def test_a_document_of_cloud_becomes_markdown() -> None:
    def text(words: str, *marks: dict[str, object]) -> dict[str, object]:
        return {"type": "text", "text": words, "marks": list(marks)}

    document = {
        "type": "doc",
        "content": [
            {"type": "heading", "content": [text("Title")]},
            {
                "type": "paragraph",
                "content": [
                    text("bold", {"type": "strong"}),
                    text(" "),
                    text("page", {"type": "link", "attrs": {"href": "https://example.com"}}),
                    text(" "),
                    text("evil", {"type": "link", "attrs": {"href": "javascript:x"}}),
                    {"type": "mention", "attrs": {"id": "5b10", "text": "@Dana"}},
                ],
            },
            {
                "type": "bulletList",
                "content": [
                    {"type": "listItem", "content": [{"type": "paragraph", "content": [text("one")]}]},
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [text("two", {"type": "code"})]}],
                    },
                ],
            },
            {"type": "codeBlock", "content": [text("a\nb")]},
        ],
    }
    assert from_document(document) == (
        "# Title\n\n**bold** [page](https://example.com) evil@Dana\n\n- one\n- `two`\n\n`a`\n`b`"
    )


@given(st.text(alphabet=st.sampled_from("ab *_{}[]|!#-~\\h1.:/<>&`\n@"), max_size=200))
def test_no_text_becomes_a_mention_or_a_command_in_slack(wiki: str) -> None:
    shown = from_markdown(markdown(wiki))
    assert "<!" not in shown
    assert "<@" not in shown
    assert "<#" not in shown

"""Which content a team has, and which runs mention it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models

from runner.graph.artifact import LONGEST_NAME, Artifact, artifact_from
from workflows.large_values import reference_in
from workflows.models.team import Team

if TYPE_CHECKING:
    from workflows.models.run import Run

DIGEST = 64
MEDIA_TYPE = 201
_TAG = '"$artifact":'
_TAGS = re.compile(re.escape("{" + _TAG))
#: Before a mapping that only looks like a tag.
_PLAIN = '{"$dict":{'
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """What a run says of content: its size; its name and media type, if a person may fetch it."""

    size: int
    name: str = ""
    media_type: str = ""


class StoredContentQuerySet(models.QuerySet["StoredContent"]):
    """Content, by the teams that have it."""

    def mention(self, run: "Run", mentions: Mapping[str, Mention]) -> None:
        """Say that a run mentions content, by digest; inside of a transaction.

        The content is there already: what nobody mentions yet stays until it is old.
        """
        if not mentions:
            return
        team, digests = run.team_id, sorted(mentions)
        found: dict[str, StoredContent] = {}
        while len(found) < len(digests):
            self.bulk_create(
                [
                    StoredContent(team_id=team, digest=each, size=mentions[each].size)
                    for each in digests
                ],
                ignore_conflicts=True,
            )
            # Locked, so that what is being forgotten is not mentioned.
            rows = self.select_for_update().filter(team=team, digest__in=digests)
            found = {row.digest: row for row in rows.order_by("digest")}
        links = [
            RunContent(
                run=run,
                content=found[each],
                name=mentions[each].name,
                media_type=mentions[each].media_type,
            )
            for each in digests
        ]
        RunContent.objects.bulk_create(links, ignore_conflicts=True)


class StoredContent(models.Model):
    """Content that a team has: of a file, or of a large value; known by its SHA-256."""

    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="contents", db_index=False
    )
    digest = models.CharField(max_length=DIGEST)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StoredContentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "digest"], name="one_content_a_digest"),
        ]
        indexes = [models.Index(fields=["created_at"], name="contents_by_time")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} of {self.team_id}"


class RunContent(models.Model):
    """A run that mentions content; `media_type` is empty for large values, which are no files."""

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(
        "workflows.Run", on_delete=models.CASCADE, related_name="contents", db_index=False
    )
    content = models.ForeignKey(StoredContent, on_delete=models.CASCADE, related_name="mentions")
    name = models.CharField(max_length=LONGEST_NAME, blank=True, default="")
    media_type = models.CharField(max_length=MEDIA_TYPE, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "content"], name="one_mention_a_content"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.content_id)


def may_mention(text: str) -> bool:
    """Whether an encoded value may name an artifact; a quick look."""
    return _TAG in text


def artifacts_in(text: str) -> list[Artifact]:
    """Give the artifacts that an encoded value names."""
    return list(_artifacts(text)) if may_mention(text) else []


def mentions_in(texts: Iterable[str]) -> dict[str, Mention]:
    """Give what encoded values mention by digest: artifacts, and references to large values."""
    found: dict[str, Mention] = {}
    for text in texts:
        reference = reference_in(text)
        if reference:
            found.setdefault(reference.digest, Mention(size=reference.size))
        for each in artifacts_in(text):
            found[each.digest] = Mention(size=each.size, name=each.name, media_type=each.media_type)
    return found


def _artifacts(text: str) -> Iterable[Artifact]:
    # Inside of a text the quotes of a tag would be escaped; a tag is the only key of its mapping.
    for found in _TAGS.finditer(text):
        if text.endswith(_PLAIN, 0, found.end() - len(_TAG)):
            continue
        document, end = _JSON.raw_decode(text, found.end())
        if text[end] == "}":
            yield artifact_from(document)

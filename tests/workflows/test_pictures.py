"""What a browser may draw is told by the bytes."""

import pytest

from workflows.pictures import BEGINNING, KNOWN, picture_type

BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "image/avif": b"\0\0\0\x20ftypavif\0\0\0\0",
}


@pytest.mark.parametrize("media_type", sorted(KNOWN))
def test_each_known_type_is_told_by_its_first_bytes(media_type):
    assert picture_type(BEGINNINGS[media_type][:BEGINNING]) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>",
        b"<!doctype html><img>",
        b"<?xml version='1.0'?>",
        b"%PDF-1.7",
        b"GIF8",
        b"\x89PNG",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x20ftypmp42\0\0\0\0",
        b" \x89PNG\r\n\x1a\n",
        b"BM",
    ],
)
def test_anything_else_is_no_picture(content):
    assert picture_type(content[:BEGINNING]) == ""

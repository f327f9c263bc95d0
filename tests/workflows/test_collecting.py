"""Static files are collected once, and again when one has changed or what was made is gone."""

import os
import shutil

import pytest
from django.core.management.base import CommandError

from workflows.collecting import collect_static


@pytest.fixture
def folders(tmp_path, settings):
    """A folder with one sheet, and one to collect it in."""
    settings.STATICFILES_DIRS = [tmp_path / "sources"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATIC_ROOT.mkdir()
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "site.css").write_text("body { margin: 0 }")
    return tmp_path / "sources", settings.STATIC_ROOT


def test_what_has_not_changed_is_not_collected_again(folders):
    assert collect_static()
    assert not collect_static()
    assert list(folders[1].glob("site.*.css"))


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_a_change_of_any_file_collects_them_again(folders, change):
    sheet = folders[0] / "site.css"
    (folders[0] / "other.css").write_text("p { margin: 0 }")
    collect_static()
    if change == "edited":
        sheet.write_text("body { margin: 1 }")
        os.utime(sheet, (1, 1))
    elif change == "added":
        (folders[0] / "more.css").touch()
    else:
        sheet.unlink()
    assert collect_static()


def test_a_folder_that_was_emptied_is_filled_again(folders):
    collect_static()
    shutil.rmtree(folders[1])
    folders[1].mkdir()
    assert collect_static()
    assert (folders[1] / "staticfiles.json").is_file()


def test_files_that_could_not_all_be_collected_are_collected_at_the_next_start(folders):
    """A stamp is the last thing written."""
    collect_static()
    (folders[0] / "broken.css").write_text("@import 'missing.css'; a { background: url(gone.png) }")
    with pytest.raises(CommandError, match="could not be found"):
        collect_static()
    (folders[0] / "broken.css").unlink()
    assert collect_static()

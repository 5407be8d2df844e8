"""Files that data sets are made from: where they are found, and what is not taken for them."""

from __future__ import annotations

import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from optbench.api import DataFile, UserError
from optbench.api.data_files import has_files, read_files, read_input, remember_input

CONTENT = b"1 2 3\n" * 100
FILE = DataFile(name="numbers.gz", sha256=hashlib.sha256(CONTENT).hexdigest())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    """Serve a folder; returns it and its URL."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("name", "stored"), [("numbers.gz", gzip.compress(CONTENT, mtime=0)), ("numbers", CONTENT)])
def test_a_folder_has_files_packed_or_not(tmp_path, name, stored):
    assert not has_files([FILE], str(tmp_path))
    (tmp_path / name).write_bytes(stored)
    assert has_files([FILE], str(tmp_path))
    assert read_files([FILE], str(tmp_path)) == {"numbers.gz": CONTENT}


def test_how_strongly_a_file_is_packed_does_not_matter(tmp_path):
    for level in (1, 9):
        (tmp_path / "numbers.gz").write_bytes(gzip.compress(CONTENT, level))
        assert read_files([FILE], str(tmp_path))["numbers.gz"] == CONTENT


def test_the_only_file_may_be_named_itself(tmp_path):
    (tmp_path / "called-otherwise").write_bytes(CONTENT)
    assert read_files([FILE], str(tmp_path / "called-otherwise"))["numbers.gz"] == CONTENT


def test_urls_of_files_and_of_servers_are_read(site):
    folder, url = site
    (folder / "numbers").write_bytes(CONTENT)
    assert read_files([FILE], f"{url}/")["numbers.gz"] == CONTENT
    assert read_files([FILE], folder.as_uri())["numbers.gz"] == CONTENT


@pytest.mark.parametrize("scheme", ["http", "file", "folder"])
def test_a_missing_file_is_named(site, scheme):
    folder, url = site
    place = {"http": url, "file": folder.as_uri(), "folder": str(folder)}[scheme]
    with pytest.raises(UserError, match=r"no numbers\.gz in "):
        read_files([FILE], place)


def test_a_closed_port_and_an_unknown_scheme_are_told_in_one_line(site):
    with pytest.raises(UserError, match=r"can't read http://127\.0\.0\.1:1/numbers\.gz"):
        read_files([FILE], "http://127.0.0.1:1")
    with pytest.raises(UserError, match=r"can't read nowhere://x/numbers\.gz"):
        read_files([FILE], "nowhere://x")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("position", [0, 20, 599])
def test_one_changed_byte_is_caught(tmp_path, position, packed):
    changed = bytearray(CONTENT)
    changed[position] ^= 1
    stored = gzip.compress(changed) if packed else bytes(changed)
    (tmp_path / "numbers.gz").write_bytes(stored)
    with pytest.raises(UserError, match=r"numbers\.gz is damaged or another file: sha256 \w{12}…, expected"):
        read_files([FILE], str(tmp_path))


@pytest.mark.parametrize("keep", [5, 20, -5])
def test_a_packed_file_that_is_cut_off_is_damaged(tmp_path, keep):
    (tmp_path / "numbers.gz").write_bytes(gzip.compress(CONTENT)[:keep])
    with pytest.raises(UserError, match="is damaged"):
        read_files([FILE], str(tmp_path))


def test_a_users_file_is_compared_with_what_it_was_when_first_read(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes(CONTENT)
    content, digest = read_input(str(path))
    assert (content, digest) == (CONTENT, FILE.sha256)
    remember_input(str(path), digest)
    path.write_bytes(gzip.compress(CONTENT))  # the same content
    assert read_input(str(path)) == (CONTENT, digest)
    path.write_bytes(CONTENT + b"4")
    with pytest.raises(UserError, match=r"mine\.txt has changed since it was first read") as raised:
        read_input(str(path))
    memory = str(raised.value).partition("delete ")[2].partition(" to take")[0]
    (tmp_path / "cache" / "input-hashes" / memory.rpartition("/")[2]).unlink()
    assert read_input(str(path))[0] == CONTENT + b"4"


def test_an_unread_file_may_change(tmp_path):
    path = tmp_path / "mine.txt"
    for content in (b"a", b"b"):
        path.write_bytes(content)
        assert read_input(str(path))[0] == content


def test_a_users_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"can't read .*nowhere: No such file"):
        read_input(str(tmp_path / "nowhere"))

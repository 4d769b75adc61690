"""Trees are removed, and nothing else, whatever their owner made of them."""

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from sshore.store.remove_tree import remove_tree

VERY_DEEP = 3000


def test_a_tree_is_removed_without_what_its_links_point_to(tmp_path: Path) -> None:
    tree, secret = tmp_path / "tree", tmp_path / "secret"
    secret.write_text("root's own")
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(secret)
    (tree / "elsewhere").symlink_to(tmp_path)
    (tree / "deep" / "er" / "file").write_text("x")
    (tree / "deep" / "er").chmod(0)
    (tree / "deep").chmod(0)
    remove_tree(tree)
    assert not tree.exists()
    assert secret.exists()


def test_what_is_no_more_is_removed_already(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")


def test_a_tree_deeper_than_any_path_or_stack_is_removed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    directory = os.open(tree, os.O_RDONLY)
    for _ in range(VERY_DEEP):
        os.mkdir("d", dir_fd=directory)
        inner = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)
    remove_tree(tree)
    assert not tree.exists()


def test_links_that_are_put_into_the_place_of_directories_lead_nowhere(tmp_path: Path) -> None:
    """An owner who is still connected swaps them while they are removed."""
    victim, tree = tmp_path / "victim", tmp_path / "tree"
    (victim / "inner").mkdir(parents=True)
    (victim / "inner" / "file").write_text("another's")
    victim.chmod(0o755)
    tree.mkdir()
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            with suppress(OSError):
                (tree / "a" / "inner").mkdir(parents=True)
                (tree / "a" / "inner" / "file").touch()
                (tree / "a").rename(tree / "b")
                (tree / "a").symlink_to(victim)

    thread = threading.Thread(target=swap)
    for _ in range(30):
        tree.mkdir(exist_ok=True)
        if not thread.is_alive() and not over.is_set():
            thread.start()
        remove_tree(tree)
        assert (victim / "inner" / "file").read_text() == "another's"
        assert victim.stat().st_mode & 0o777 == 0o755
    over.set()
    thread.join()


def test_a_tree_that_another_removes_at_the_same_moment_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, list_directory, others = tmp_path / "tree", os.listdir, [1, 2]
    (tree / "home").mkdir(parents=True)

    def list_late(directory: int) -> list[str]:
        """The other one, which began with this, is faster."""
        if others:
            others.pop()
            remove_tree(tree)
        return list_directory(directory)

    monkeypatch.setattr(os, "listdir", list_late)
    remove_tree(tree)
    assert not tree.exists()

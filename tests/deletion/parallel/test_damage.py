"""Sixty ways to damage a checkpoint: no wrong number comes of any, and nothing whole is lost."""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from cases import BY_NAME

import vifstats as vs
from vifstats.errors import InvalidInputError

SIZE = 16  # removals in a block: 40 rows are three of them


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that there are some."""
    monkeypatch.setattr(vs.deletion.refits, "BLOCK", SIZE)


@pytest.fixture(scope="module")
def est():
    return BY_NAME["cox efron ties"].estimate()


@pytest.fixture(scope="module")
def made(est, tmp_path_factory):
    """Finished folders: of this work, and of that of other data of the same shape."""
    case = BY_NAME["cox efron ties"]
    other = vs.minimize(case.loss(np.r_[1:40, 0], labels=np.arange(100, 140)), case.start)
    folders = {name: tmp_path_factory.mktemp(name) for name in ("mine", "other")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vs.deletion.refits, "BLOCK", SIZE)
        for name, estimate in (("mine", est), ("other", other)):
            vs.leave_one_out(estimate, checkpoint=folders[name])
    return folders


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made["mine"], tmp_path / "checkpoint")


def arrays_of(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def saved(arrays):
    file = BytesIO()
    np.savez(file, **arrays)
    return resealed(file.getvalue())


def resealed(archive):
    """With the digest of what is in it, as only somebody who knows the format would make it."""
    file = BytesIO(archive)
    with ZipFile(file, "a") as archive:
        archive.comment = bytes(64)
    content = file.getvalue()[:-64]
    return content + sha256(content).hexdigest().encode()


def with_array(name, change, seal=False):
    """Another content without a digest, as of an editor that knows nothing of it, or with one."""

    def damage(path, other):
        arrays = arrays_of(path)
        arrays[name] = change(arrays.get(name, arrays["values"]))
        path.write_bytes(saved(arrays) if seal else saved(arrays)[:-64] + bytes(64))

    return damage


def resealed_array(name, change):
    return with_array(name, change, seal=True)


def without_array(name):
    def damage(path, other):
        arrays = arrays_of(path)
        del arrays[name]
        path.write_bytes(saved(arrays))

    return damage


def compressed_bomb(path, other):
    with ZipFile(path, "w", compression=8) as file:
        file.writestr("values.npy", bytes(10**7))


def objects(path, other):
    """Unpickled, they would run what somebody put there."""
    arrays = arrays_of(path)
    arrays["values"] = arrays["values"].astype(object)
    path.write_bytes(saved(arrays))


def cut(share):
    return lambda path, other: path.write_bytes(
        path.read_bytes()[: int(share * path.stat().st_size)]
    )


def content(data):
    return lambda path, other: path.write_bytes(data)


def doubled(path, other):
    path.write_bytes(path.read_bytes() * 2)


def longer(path, other):
    path.write_bytes(path.read_bytes() + b"\n")


def folder_instead(path, other):
    path.unlink()
    path.mkdir()


def link_to_nowhere(path, other):
    path.unlink()
    path.symlink_to("nowhere")


def of_other_work(path, other):
    shutil.copy(other / path.name, path)


def flipped(position):
    def damage(path, other):
        data = bytearray(path.read_bytes())
        data[int(position * (len(data) - 1))] ^= 4
        path.write_bytes(bytes(data))

    return damage


ANY_FILE = {
    **{f"cut to {share}": cut(share) for share in (0.0, 0.1, 0.5, 0.9, 0.999)},
    **{f"a bit at {share}": flipped(share) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 0.97)},
    "another program's": content(b"{}"),
    "a page that says 404": content(b"<html>404</html>"),
    "nulls": content(bytes(1000)),
    "twice itself": doubled,
    "of other work": of_other_work,
    "a folder": folder_instead,
    "a link to nowhere": link_to_nowhere,
}
A_BLOCK = {
    **{f"without {name}": without_array(name) for name in ("values", "failed", "number", "work")},
    "without a digest": lambda path, other: path.write_bytes(path.read_bytes()[:-64]),
    "one value changed": with_array("values", lambda a: a + np.eye(*a.shape) * 1e-12),
    "negative": with_array("values", np.negative),
    "nan": with_array("values", lambda a: a * np.nan),
    "rows turned": with_array("values", lambda a: a[::-1]),
    "a row less": resealed_array("values", lambda a: a[1:]),
    "columns turned": with_array("values", lambda a: a[:, ::-1]),
    "single precision": resealed_array("values", np.float32),
    "other bytes first": with_array("values", lambda a: a.astype(">f8")),
    "integers": resealed_array("values", lambda a: a.astype(int)),
    "words": resealed_array("values", lambda a: a.astype(str)),
    "complex": resealed_array("values", lambda a: a.astype(complex)),
    "flat": resealed_array("values", np.ravel),
    "Fortran's order": resealed_array("values", np.transpose),
    "all failed": with_array("failed", np.ones_like),
    "flags as numbers": resealed_array("failed", lambda a: a.astype(int)),
    "another number": resealed_array("number", lambda a: a + 1),
    "a number of another kind": resealed_array("number", float),
    "of made-up work": resealed_array("work", lambda a: np.array("0" * 64)),
    "work in numbers": resealed_array("work", lambda a: np.zeros(64)),
    "two numbers": resealed_array("number", lambda a: np.repeat(a, 2)),
    "one array more": resealed_array("more", lambda a: a),
    "pickled": objects,
    "a bomb": compressed_bomb,
}


def edited(change, digest=False):
    """Work.json with something changed, and if so with a digest that is right."""

    def damage(path, other):
        document = json.loads(path.read_text())
        change(document)
        if digest:
            del document["sha256"]
            dumped = json.dumps(document, indent=1, sort_keys=True) + "\n"
            document["sha256"] = sha256(dumped.encode()).hexdigest()
        path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")

    return damage


def given(**changes):
    return lambda document: document["given"].update(changes)


def put(**changes):
    return lambda document: document.update(changes)


WORK = {
    "another version": edited(given(vifstats="0.0"), digest=True),
    "another tolerance": edited(given(tol=1e-3), digest=True),
    "more of them": edited(given(n_rows=41), digest=True),
    "theta of one number": edited(put(theta=[1.0]), digest=True),
    "theta in words": edited(put(theta="abc"), digest=True),
    "theta null": edited(put(theta=None), digest=True),
    "gradients flat": edited(put(gradients=[0.0, 0.0]), digest=True),
    "given a list": edited(put(given=[]), digest=True),
    "given empty": edited(put(given={}), digest=True),
    "changed by hand": edited(given(tol=1e-3)),
    "no digest": edited(lambda document: document.pop("sha256")),
    "a list": content(b"[]\n"),
    "a number": content(b"7\n"),
    "deep": content(b"[" * 100_000),
    "a long number": content(b'{"theta": 1' + b"0" * 5000 + b"}"),
    "not text": content(b"\xff\xfe"),
    "a line more": longer,
}

DAMAGE = [
    *((name, "block-000001.npz", ANY_FILE | A_BLOCK) for name in ANY_FILE | A_BLOCK),
    *((name, "work.json", ANY_FILE | WORK) for name in ANY_FILE | WORK),
]


@pytest.mark.parametrize(
    ("how", "name", "table"), DAMAGE, ids=lambda v: v if type(v) is str else ""
)
def test_what_is_damaged_is_named_and_the_rest_is_kept(how, name, table, est, made, folder):
    table[how](folder / name, made["other"])
    before = blocks_in(folder, without=name)
    whole = vs.leave_one_out(est).values
    with pytest.raises(InvalidInputError, match=f"{name}|holds other work") as refused:
        vs.leave_one_out(est, checkpoint=folder)
    assert "delete" not in str(refused.value)
    take_away(folder / name)
    found = vs.leave_one_out(est, checkpoint=folder)
    np.testing.assert_array_equal(found.values, whole)
    assert found.exact.all()
    assert blocks_in(folder, without=name) == before, "what was whole is as it was"


def test_there_are_more_than_sixty_ways():
    assert len(DAMAGE) >= 60


def take_away(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def blocks_in(folder, without):
    paths = [path for path in folder.glob("block-*") if path.name != without]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("name", ["block-000000.npz", "work.json"])
def test_no_bit_that_has_changed_gets_into_a_result(name, est, folder):
    path, whole = folder / name, vs.leave_one_out(est, checkpoint=folder).values
    content = path.read_bytes()
    for byte in range(0, len(content), len(content) // 60):
        path.write_bytes(content[:byte] + bytes([content[byte] ^ 1]) + content[byte + 1 :])
        with pytest.raises(InvalidInputError, match=name):
            vs.leave_one_out(est, checkpoint=folder)
    path.write_bytes(content)
    np.testing.assert_array_equal(vs.leave_one_out(est, checkpoint=folder).values, whole)


def test_blocks_whose_work_is_not_named_are_taken_by_their_own_work_only(est, made, tmp_path):
    folder = shutil.copytree(made["other"], tmp_path / "checkpoint")
    (folder / "work.json").unlink()
    with pytest.raises(InvalidInputError, match="block-000000.npz' is of other work"):
        vs.leave_one_out(est, checkpoint=folder)
    assert sorted(os.listdir(folder)) == [f"block-00000{k}.npz" for k in range(3)]


def test_a_work_json_that_was_lost_is_written_again(est, folder, monkeypatch):
    (folder / "work.json").unlink()
    monkeypatch.setattr(vs.deletion.refits.Refit, "__call__", lambda *_: pytest.fail("again"))
    vs.leave_one_out(est, checkpoint=folder)
    assert (folder / "work.json").exists()


@pytest.mark.parametrize("how", ["swapped", "copied", "renamed"])
def test_a_block_is_what_it_says_and_not_what_it_is_called(how, est, folder):
    one, two, aside = (folder / f"block-{k:06d}.npz" for k in (0, 1, 7))
    if how == "copied":
        shutil.copy(two, one)
    else:
        if how == "swapped":
            one.rename(aside)
        two.rename(one)
        if how == "swapped":
            aside.rename(two)
    with pytest.raises(InvalidInputError, match="must be block 0, but is block 1: it was renamed"):
        vs.leave_one_out(est, checkpoint=folder)
    if how == "swapped":
        two.rename(aside)
        one.rename(two)
        aside.rename(one)
    else:
        one.rename(two)  # as the message says, and nothing is lost
    found = vs.leave_one_out(est, checkpoint=folder)
    np.testing.assert_array_equal(found.values, vs.leave_one_out(est).values)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read anything")
def test_what_may_not_be_read_is_not_called_damaged(est, folder):
    (folder / "block-000000.npz").chmod(0)
    with pytest.raises(InvalidInputError, match="must be readable, but is not .Permission denied"):
        vs.leave_one_out(est, checkpoint=folder)


def test_a_copy_under_another_name_counts_for_nothing(est, folder):
    shutil.copy(folder / "block-000001.npz", folder / "block-000001 (conflicted copy).npz")
    found = vs.leave_one_out(est, checkpoint=folder)
    np.testing.assert_array_equal(found.values, vs.leave_one_out(est).values)

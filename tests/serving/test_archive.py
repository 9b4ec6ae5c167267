"""A snapshot as one file: the same bytes each time, and refused unless it is exactly what was published."""

import gzip
import io
import tarfile

import pytest

from serving.errors import SnapshotError
from serving.snapshot import open_snapshot, snapshot_names
from serving.snapshot.archive import pack, unpack
from switchyard.digests import sha256_file
from switchyard.home import Home


@pytest.fixture
def packed(publisher, tmp_path):
    name = publisher.publish(challenger="9")
    return name, pack(publisher.home, name, tmp_path / "out")


@pytest.fixture
def replica(tmp_path):
    return Home(tmp_path / "replica")


def again(archive, change):
    """Pack the members of an archive once more as `change` has them, and give its new digest."""
    with tarfile.open(archive) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]
    with tarfile.open(archive, "w:gz") as tar:
        for member, data in change(members):
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return sha256_file(archive)


def test_pack__twice__the_same_bytes(packed, publisher, tmp_path):
    name, archive = packed
    assert pack(publisher.home, name, tmp_path / "again").read_bytes() == archive.read_bytes()


def test_unpack__whole_archive__the_same_snapshot(packed, replica):
    name, archive = packed
    unpack(replica, name, archive, sha256_file(archive))
    snapshot = open_snapshot(replica, name)
    snapshot.verify()
    assert snapshot.manifest.challengers == {"voltage_anomaly": "9"}
    assert not replica.current.exists()
    assert [path.name for path in replica.serving.glob(".staging-*")] == []


def test_unpack__over_a_damaged_snapshot__whole_again(packed, replica):
    name, archive = packed
    unpack(replica, name, archive, sha256_file(archive))
    (replica.snapshots / name / "models/voltage_anomaly/1/model.onnx").write_bytes(b"")
    unpack(replica, name, archive, sha256_file(archive))
    open_snapshot(replica, name).verify()


def test_unpack__another_digest__refused(packed, replica):
    name, archive = packed
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(SnapshotError, match="SHA-256"):
        unpack(replica, name, archive, "0" * 64)
    assert snapshot_names(replica) == []


@pytest.mark.parametrize(
    ("what", "change", "message"),
    [
        ("lacks a file", lambda members: members[:-1], "lacks models/"),
        (
            "other content",
            lambda members: [*members[:-1], (members[-1][0], members[-1][1][::-1])],
            "is damaged",
        ),
        (
            "other size",
            lambda members: [*members[:-1], (members[-1][0], b"x")],
            "not as the manifest lists it",
        ),
        ("a stranger", lambda members: [*members, (tarfile.TarInfo("../../evil"), b"x")], "'../../evil'"),
        ("twice", lambda members: [*members, members[-1]], "not as the manifest lists it"),
        ("no manifest", lambda members: members[1:], "does not begin with manifest.json"),
    ],
)
def test_unpack__archive_with_a_true_digest_but__refused_whole(packed, replica, what, change, message):
    name, archive = packed
    digest = again(archive, change)
    with pytest.raises(SnapshotError, match=message):
        unpack(replica, name, archive, digest)
    assert snapshot_names(replica) == []
    assert list(replica.serving.glob(".staging-*")) == []


def test_unpack__a_link_in_place_of_a_file__refused(packed, replica):
    name, archive = packed

    def linked(members):
        members[-1][0].type, members[-1][0].linkname = tarfile.SYMTYPE, "/etc/passwd"
        return members

    with pytest.raises(SnapshotError):
        unpack(replica, name, archive, again(archive, linked))
    assert snapshot_names(replica) == []


@pytest.mark.parametrize(
    "content", [b"", b"garbage", gzip.compress(b"garbage", mtime=0)], ids=["empty", "garbage", "zipped"]
)
def test_unpack__no_archive_at_all__refused(tmp_path, replica, content):
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(SnapshotError):
        unpack(replica, "000001-0123456789ab", archive, sha256_file(archive))


def test_unpack__archive_of_another_snapshot__refused(packed, replica):
    _, archive = packed
    with pytest.raises(SnapshotError, match="expected 000009-0123456789ab"):
        unpack(replica, "000009-0123456789ab", archive, sha256_file(archive))

"""Readings of the kernel's texts that the doctor makes findings of."""

from edgeproof.board.doctor.examination import ClockComparison
from edgeproof.board.doctor.readings import mount_of

MOUNTS = """\
22 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw
30 22 8:1 / /home rw - ext4 /dev/sda1 rw
31 22 0:40 / /home rw - tmpfs tmpfs rw
32 22 8:2 / /home/pi\\040two ro - vfat /dev/sdb1 ro
"""


def test_the_longest_mount_holds_a_folder_and_a_later_one_hides_an_earlier() -> None:
    found = {folder: mount_of(folder, MOUNTS) for folder in ("/srv", "/home", "/home/pi", "/homes", "/home/pi two/x")}
    assert {folder: mount and mount.source for folder, mount in found.items()} == {
        "/srv": "/dev/mmcblk0p2",
        "/home": "tmpfs",
        "/home/pi": "tmpfs",
        "/homes": "/dev/mmcblk0p2",
        "/home/pi two/x": "/dev/sdb1",
    }
    last = found["/home/pi two/x"]
    assert last is not None
    assert last.read_only


def test_a_clock_is_known_to_half_the_time_that_the_question_travelled() -> None:
    """Asked at 100 s, answered at 104 s; the board, 10 s ahead, received it at 111 and replied at 112."""
    compared = ClockComparison(
        asked_ns=100 * 10**9, received_ns=111 * 10**9, replied_ns=112 * 10**9, answered_ns=104 * 10**9
    )
    assert compared.offset_seconds == 9.5
    assert compared.uncertainty_seconds == 1.5
    assert abs(compared.offset_seconds - 10) <= compared.uncertainty_seconds

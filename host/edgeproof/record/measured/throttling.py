"""The bits of a Raspberry Pi's `vcgencmd get_throttled`, in words.

https://www.raspberrypi.com/documentation/computers/os.html#get_throttled: bits 0 to 3 tell what holds now, bits
16 to 19 what has happened since the board was started.
"""

CAUSES = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
"""By bit."""

_SINCE_BOOT = 16


def throttled_now(bits: int) -> list[str]:
    return [cause for bit, cause in enumerate(CAUSES) if bits >> bit & 1]


def throttled_since_boot(bits: int) -> list[str]:
    return throttled_now(bits >> _SINCE_BOOT)

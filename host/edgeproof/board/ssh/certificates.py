"""Certificates for a user's keys: `CertificateFile` of ~/.ssh/config, and KEY-cert.pub beside a key."""

import base64
import binascii
import copy
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko


def with_certificates(key: paramiko.PKey, path: Path, options: Mapping[str, Any]) -> Iterator[paramiko.PKey]:
    """The key of the file `path` with each certificate that is about it, then the key alone, as `ssh` offers them."""
    for candidate in (*_named(options), path.with_name(f"{path.name}-cert.pub")):
        if _is_about(candidate, key):
            certified = copy.copy(key)
            certified.load_certificate(str(candidate))
            yield certified
    yield key


def _named(options: Mapping[str, Any]) -> list[Path]:
    named = str(options.get("certificatefile", "none"))
    return [] if named.lower() == "none" else [Path(os.path.expandvars(named)).expanduser()]


def _is_about(path: Path, key: paramiko.PKey) -> bool:
    """A certificate holds the parts of the key's public half, in the same form (PROTOCOL.certkeys of OpenSSH)."""
    try:
        words = path.read_bytes().split(maxsplit=2)
        blob = base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    except (OSError, binascii.Error):
        return False
    name = key.get_name().encode()
    return b"-cert-v01@" in words[0] and key.asbytes()[4 + len(name) :] in blob

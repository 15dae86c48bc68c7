"""Passwords of colleagues: kept as scrypt hashes that say their own parameters, so that these may grow."""

import hashlib
import hmac
import secrets
import unicodedata

from data_contracts.errors import UsageError

# 2026-11-23: N=2^15, r=8, p=3 is one of the settings that OWASP's Password Storage Cheat Sheet holds to be equal. It
# takes 32 MiB and 0.23 CPU s here; N=2^17, p=1 takes 128 MiB and 0.38, which a handful of sign-ins at once would feel.
COST, BLOCK, PARALLEL = 2**15, 8, 3
SHORTEST, LONGEST = 12, 256


def hash_password(password: str, name: str) -> str:
    """Hash a new password of somebody of that name. Raises UsageError, which does not repeat it, where it is too weak."""
    said = _normal(password)
    if not SHORTEST <= len(said) <= LONGEST:
        raise UsageError(
            f"This password has {len(said)} characters.",
            f"Choose {SHORTEST} to {LONGEST}: four words will do.",
        )
    if len(set(said)) < SHORTEST // 2 or said.casefold().strip() == _normal(name).casefold():
        raise UsageError("This password is easily guessed.", "Choose one of more different characters.")
    salt = secrets.token_bytes(16)
    digest = _scrypt(said, salt, COST, BLOCK, PARALLEL)
    return "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), salt.hex(), digest.hex()))


def is_password(password: str, kept: str | None) -> bool:
    """Say whether this is the password; where none is kept it is not, and to say so takes as long."""
    _, cost, block, parallel, salt, digest = (kept or _NOBODYS).split("$")
    tried = _scrypt(
        _normal(password[: 4 * LONGEST]), bytes.fromhex(salt), int(cost), int(block), int(parallel)
    )
    return hmac.compare_digest(tried, bytes.fromhex(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    memory = 128 * block * (cost + parallel + 2) + 2**20  # what it takes, and some room
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=memory, dklen=32)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


_NOBODYS = f"scrypt${COST}${BLOCK}${PARALLEL}${'00' * 16}${'00' * 32}"

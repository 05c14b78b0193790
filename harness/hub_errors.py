"""What the hub's client reports, in words that say what to do."""

from __future__ import annotations

_NO_CONNECTION = frozenset({"ConnectError", "ConnectTimeout", "ProxyError"})


def reason(error: Exception, repo: str, revision: str | None, *, offline: bool, instead: str = "") -> str:
    """Return why a repository cannot be had; `instead` says what else a user may do.

    The error is one of those that `huggingface_hub` or its HTTP library raises.
    """
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return (
            "access to this repository is granted on request: ask for it on its page on the hub, then log "
            "in with `hf auth login`."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such repository, or it is private (then log in with `hf auth login`)."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repository {repo} has no revision {revision!r}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the hub is not asked"
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause = error.__cause__
        if offline:
            where = "--offline: it is not in the cache"
        elif isinstance(cause, errors.OfflineModeIsEnabled):
            where = "HF_HUB_OFFLINE is set and it is not in the cache"
        elif isinstance(cause, errors.HfHubHTTPError):
            where = f"the hub refuses ({_first_line(cause)}) and it is not in the cache"
        else:
            where = "the hub cannot be reached and it is not in the cache"
        return f"{where}. Fetch it on a machine with a network{', or ' + instead if instead else ''}."
    if isinstance(error, _transport()) and not isinstance(error, errors.HfHubHTTPError):
        return f"cannot be fetched: the hub cannot be reached, or the connection broke: {_first_line(error)}"
    return f"cannot be fetched: {_first_line(error)}"


def failures() -> tuple[type[Exception], ...]:
    """Return the errors by which the hub's client says that something could not be had."""
    from huggingface_hub import errors

    return (_transport(), errors.HFValidationError, errors.EntryNotFoundError, OSError)


def is_unreachable(error: Exception) -> bool:
    """Whether no connection came about at all; a busy hub and a broken download are no such thing."""
    from huggingface_hub import errors

    cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else error
    # By name: the HTTP library is the client's own choice.
    return isinstance(cause, _transport()) and type(cause).__name__ in _NO_CONNECTION


def _transport() -> type[Exception]:
    from huggingface_hub import errors

    # The first base is that of all errors of the HTTP library, whichever the client is built on.
    base = errors.HfHubHTTPError.__bases__[0]
    assert issubclass(base, Exception), "BUG: the hub's errors have another base"
    return base


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

"""`xharness mine`: translation pairs out of anyone's two text files or two matrices of vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from harness.commands.lists import parse_integer, shortened
from harness.commands.options import (
    MODEL,
    RUN,
    AdapterOption,
    AllowPickleOption,
    DeviceOption,
    DTypeOption,
    OfflineOption,
    ThreadsOption,
    TrustRemoteCodeOption,
)
from harness.errors import DataError, RequestError, did_you_mean, raise_all

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.backends.encoder import Encoder
    from harness.progress import Progress

_MOST_NEIGHBOURS = 1_024
_STDOUT = "-"
_MINING = "Mining"


def run(
    *,
    source: Annotated[
        str,
        typer.Option(
            help="Text file, a sentence a line, or .npy matrix, a vector a row.", show_default=False
        ),
    ],
    target: Annotated[str, typer.Option(help="The other side, of the same kind.", show_default=False)],
    out: Annotated[str, typer.Option(help="File for the pairs; -: print them.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option(help="Local folder, or hub id, best with @revision.", rich_help_panel=MODEL),
    ] = None,
    adapter: AdapterOption = None,
    margin: Annotated[
        str, typer.Option(help="ratio, distance or absolute.", rich_help_panel=_MINING)
    ] = "ratio",
    neighbours: Annotated[
        str, typer.Option(metavar="K", help="Nearest neighbours each way.", rich_help_panel=_MINING)
    ] = "4",
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="X", help="Lowest score of a pair; default: all mined pairs.", rich_help_panel=_MINING
        ),
    ] = None,
    search: Annotated[
        str, typer.Option(help="auto, exact, faiss-flat, faiss-ivf or faiss-hnsw.", rich_help_panel=_MINING)
    ] = "auto",
    device: DeviceOption = "auto",
    dtype: DTypeOption = "auto",
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    allow_pickle: AllowPickleOption = False,
    trust_remote_code: TrustRemoteCodeOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.", rich_help_panel=RUN)
    ] = False,
) -> None:
    """Mine translation pairs: one line `score<TAB>source<TAB>target` each, best first.

    Source and target are row numbers from 0 for matrices, sentences for text. Rows of a matrix are
    scaled to length 1; equal rows stay rows of their own. In text, blank lines are passed over, equal
    sentences count once, and tabs become spaces. No row or sentence is in two pairs.
    """
    from harness.progress import Progress
    from harness.retrieval.mining import Margin, mine
    from harness.retrieval.screening import resolve_engine
    from harness.specs.run import Device, DType, Search

    matrices = _are_matrices(source, target)
    problems = [
        *_not_among("--margin", margin, get_args(Margin)),
        *_not_among("--search", search, get_args(Search)),
        *_not_among("--device", device, get_args(Device)),
        *_not_among("--dtype", dtype, get_args(DType)),
    ]
    k = parse_integer("--neighbours", neighbours)
    if not 1 <= k <= _MOST_NEIGHBOURS:
        problems.append(f"--neighbours {k}: give a number from 1 to {_MOST_NEIGHBOURS}")
    if matrices and (model or adapter):
        problems.append(f"--model and --adapter turn text into vectors; {source} holds vectors already")
    if not matrices and model is None:
        problems.append(
            f"{source} and {target} are read as text, which needs --model (files of vectors end in .npy)"
        )
    raise_all(RequestError, problems)
    lowest = None if threshold is None else _parse_number("--threshold", threshold)
    _check_out(out, source, target)
    progress = Progress(quiet=quiet)
    if threads is not None:
        from harness.backends.devices import use_threads

        use_threads(parse_integer("--threads", threads))
    sides: list[list[str]] | None = None
    if matrices:
        from harness.backends.devices import resolve_device

        torch_device = resolve_device(device)  # type: ignore[arg-type]
        resolve_engine(search, torch_device)  # type: ignore[arg-type]
        vectors = [_read_matrix(source, progress), _read_matrix(target, progress)]
        if vectors[0].shape[1] != vectors[1].shape[1]:
            raise DataError(
                f"{source} holds vectors of {vectors[0].shape[1]} numbers, {target} of "
                f"{vectors[1].shape[1]}; both must come from one model"
            )
    else:
        assert model is not None, "BUG: text without a model"
        sides = [_read_sentences(source, progress), _read_sentences(target, progress)]
        encoder, torch_device = _open_encoder(
            model,
            progress,
            adapter=adapter,
            device=device,
            dtype=dtype,
            offline=offline,
            allow_pickle=allow_pickle,
            trust_remote_code=trust_remote_code,
        )
        resolve_engine(search, torch_device)  # type: ignore[arg-type]
        with progress.phase("encoding", sum(map(len, sides)), "sentences") as advance:
            vectors = [encoder.encode(side, role="symmetric", advance=advance) for side in sides]
    with progress.phase("mining", sum(map(len, vectors)), "rows") as advance:
        found = mine(
            *vectors,
            neighbours=k,
            margin=margin,  # type: ignore[arg-type]
            engine=search,  # type: ignore[arg-type]
            device=torch_device,
            advance=advance,
        )
    pairs = found if lowest is None else found.above(lowest)
    recall = "" if found.recall is None else f", recall {100 * found.recall:.1f}%"
    above = "" if lowest is None else f", {len(pairs.scores):,} of them from {lowest:g} on"
    progress.say(
        f"{len(vectors[0]):,} x {len(vectors[1]):,} rows, {found.engine}{recall}: "
        f"{len(found.scores):,} pairs{above}"
    )
    rows = zip(pairs.scores.tolist(), pairs.sources.tolist(), pairs.targets.tolist(), strict=True)
    if sides is None:
        lines = [f"{score!r}\t{i}\t{j}\n" for score, i, j in rows]
    else:
        lines = [f"{score!r}\t{sides[0][i]}\t{sides[1][j]}\n" for score, i, j in rows]
    _write(out, "".join(lines).encode("utf-8"))


def _are_matrices(source: str, target: str) -> bool:
    kinds = [path.lower().endswith(".npy") for path in (source, target)]
    if kinds[0] != kinds[1]:
        raise RequestError(
            f"--source {source} and --target {target}: one is a matrix (.npy) and one is text; give two of "
            "one kind"
        )
    return kinds[0]


def _not_among(option: str, value: str, allowed: tuple[str, ...]) -> list[str]:
    if value in allowed:
        return []
    return [f"{option}: {shortened(value)} is not {', '.join(allowed)}{did_you_mean(value, allowed)}"]


def _parse_number(option: str, text: str) -> float:
    import math

    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{option} {shortened(text)}: not a number, as 1.05")
    return number


def _check_out(out: str, *inputs: str) -> None:
    """Refuse a place that cannot be written to before hours are spent on what would go there."""
    import os

    if out == _STDOUT:
        return
    path = Path(out)
    if path.is_dir():
        raise RequestError(f"--out {out}: is a folder; name the file")
    if path.is_file() and any(Path(one).is_file() and path.samefile(one) for one in inputs):
        raise RequestError(f"--out {out}: is one of the two inputs, which would be lost; name another file")
    there = path if path.exists() else next((p for p in path.parents if p.exists()), Path())
    if not os.access(there, os.W_OK) or not (path.exists() or there.is_dir()):
        raise RequestError(f"--out {out}: {there} cannot be written to; name another place")


def _read_matrix(path: str, progress: Progress) -> NDArray[np.floating[Any]]:
    import tokenize

    import numpy as np

    try:
        # Mapped, not read: rows are taken block by block. Object arrays, which are pickles, are refused.
        matrix = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, OverflowError, MemoryError, tokenize.TokenError) as error:
        # Of a damaged header NumPy says whatever its parser of Python stumbled over.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{path}: not a matrix in NumPy's format, or cut off ({reason:.160}); save it with numpy.save, "
            "without pickling"
        ) from None
    if matrix.ndim != 2 or matrix.dtype.kind != "f":
        raise DataError(
            f"{path}: holds {matrix.dtype} of shape {matrix.shape}; a matrix of floating-point numbers is "
            "due, one vector a row"
        )
    if 0 in matrix.shape:
        raise DataError(f"{path}: holds no vectors (shape {matrix.shape})")
    zeros = 0
    for start in range(0, len(matrix), 65_536):
        block = matrix[start : start + 65_536]
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise DataError(
                f"{path}: row {start + bad[0]} (counted from 0) holds NaN or infinity; compute the vectors "
                "again, in float32 if they overflowed"
            )
        zeros += int((~block.any(axis=1)).sum())
    if zeros:
        progress.warn(f"{path}: {zeros:,} of {len(matrix):,} rows are all 0 and have no direction")
    return matrix


def _read_sentences(path: str, progress: Progress) -> list[str]:
    """Return the distinct sentences of a file, in the order of their first occurrence."""
    from harness.data.text import read_text

    lines = read_text(Path(path), root=Path()).lines()
    # Either would break the lines of the output, or how other programs read them.
    sentences = [line.replace("\t", " ").replace("\r", " ").strip() for line in lines]
    distinct = list(dict.fromkeys(sentence for sentence in sentences if sentence))
    progress.say(f"{path}: {len(lines):,} lines, {len(distinct):,} distinct sentences")
    return distinct


def _open_encoder(
    model: str, progress: Progress, *, adapter: str | None, **options: Any
) -> tuple[Encoder, str]:
    """Return the encoder of a checkpoint and the device it is on."""
    from harness.backends.checkpoint import check_model, open_model
    from harness.backends.encoder import open_encoder
    from harness.specfiles.catalog import load_adapter, load_adapters

    opened, reason = open_model(
        model,
        adapters={loaded.spec.name: loaded.spec for loaded in load_adapters()},
        asked_adapter=load_adapter(adapter).spec if adapter else None,
        **options,
    )
    progress.say(f"{reason}\non {opened.device} in {opened.dtype}")
    check_model(opened, embeds=True)
    return open_encoder(opened, say=progress.say), opened.device


def _write(out: str, data: bytes) -> None:
    if out == _STDOUT:
        # Bytes: sentences are UTF-8 whatever the terminal is.
        typer.echo(data, nl=False)
        return
    from harness.results.folder import write_bytes

    write_bytes(Path(out), data)

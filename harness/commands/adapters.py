"""`xharness adapters`: the model families and how each is loaded, pooled, prefixed and tuned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.specfiles.catalog import Loaded
    from harness.specs.adapter import AdapterSpec

app = typer.Typer(no_args_is_help=True, help="List and show model adapters.")


@app.command("list")
def list_all() -> None:
    """List the adapters, the first choice first, and what each is chosen for."""
    from harness.results.table import Column, Row, Table, Text
    from harness.results.table_writers import print_tables
    from harness.specfiles.catalog import load_adapters
    from harness.specfiles.yaml_loader import shown

    adapters = sorted(load_adapters(), key=lambda a: (-a.spec.priority, a.spec.name))
    table = Table(
        "Adapters",
        (
            Column("name", "left"),
            Column("priority"),
            Column("chosen for", "left"),
            Column("embedding", "left"),
            Column("file", "left"),
        ),
        tuple(
            Row(
                (
                    Text(a.spec.name, "strong"),
                    Text(str(a.spec.priority)),
                    Text(_chosen_for(a.spec)),
                    Text(_embedding(a.spec)),
                    Text(shown(a.path)),
                )
            )
            for a in adapters
        ),
        notes=("Of all adapters that match a checkpoint, the one with the highest priority is taken.",),
    )
    print_tables([table])


@app.command()
def show(name: Annotated[str, typer.Argument(help="Adapter by name or YAML file.")]) -> None:
    """Show one adapter with every setting, and where its settings come from."""
    from harness.specfiles.catalog import load_adapter

    typer.echo("\n".join(_described(load_adapter(name))))


def _described(loaded: Loaded[AdapterSpec]) -> list[str]:
    from harness.specfiles.yaml_loader import shown

    adapter = loaded.spec
    embedding = adapter.embedding
    lines = [
        f"{adapter.name}  {adapter.version}  {adapter.title}",
        "",
        f"file          {shown(loaded.path)}",
        f"source        {adapter.source}",
        f"chosen for    {_chosen_for(adapter)} (priority {adapter.priority})",
        f"embedding     {_embedding(adapter)}",
        f"max length    {embedding.max_length or 'what the checkpoint allows'}",
        f"fine-tunes    {'yes' if adapter.fine_tunes else 'no'}",
    ]
    prefixes = {
        "query": embedding.query_prefix,
        "passage": embedding.passage_prefix,
        "bitext": embedding.symmetric_prefix,
    }
    lines += [f"{what} prefix".ljust(14) + repr(text) for what, text in prefixes.items() if text]
    if adapter.trust_remote_code:
        lines.append("remote code   needed: --trust-remote-code")
    if adapter.notes:
        lines += ["", *adapter.notes.strip().splitlines()]
    return lines


def _chosen_for(adapter: AdapterSpec) -> str:
    match = adapter.match
    parts = []
    if match.model_types:
        parts.append(f"model type {' or '.join(match.model_types)}")
    if match.names:
        parts.append(f"name {' or '.join(match.names)}")
    if match.sentence_transformer is not None:
        parts.append("with modules.json" if match.sentence_transformer else "without modules.json")
    return ", ".join(parts) or "any checkpoint"


def _embedding(adapter: AdapterSpec) -> str:
    embedding = adapter.embedding
    if embedding.modules:
        return "the checkpoint's own modules"
    special = "" if embedding.include_special_tokens else " without special tokens"
    norm = ", normalised" if embedding.normalize else ""
    return f"{embedding.pooling} of layer {embedding.layer}{special}{norm}"

"""Whether a checkpoint can take what a mixture wants of it, before any data are read."""

from __future__ import annotations

from harness.backends.heads import check_class
from harness.backends.loading import open_config, open_tokenizer, position_limit
from harness.backends.model import Model
from harness.errors import ModelError, raise_all
from harness.kinds.masked_lm import MaskedLMHead, check_mask_token
from harness.mixture.planning import MixturePlan


def check_fit(plan: MixturePlan, model: Model) -> None:
    """Refuse heads that the architecture does not have, and texts longer than its positions.

    Raises:
        ModelError: all that does not fit.
    """
    longest = position_limit(open_config(model))
    problems = []
    for ingredient in plan.ingredients:
        head = plan.heads[ingredient.head].head
        try:
            check_class(model, head)
            if isinstance(head, MaskedLMHead):
                check_mask_token(open_tokenizer(model))
        except ModelError as error:
            problems.append(f"task {ingredient.name!r}: {error}")
        wanted = getattr(ingredient.settings, "max_length", 0)
        if longest is not None and wanted > longest:
            problems.append(
                f"task {ingredient.name!r}: reads up to {wanted} tokens, the checkpoint has positions for "
                f"{longest}; give the task `max_length: {longest}` or less in a recipe"
            )
    raise_all(ModelError, problems)

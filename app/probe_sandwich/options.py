"""What a user may choose about a diagnosis, with its bounds: the same for service, command line and library."""

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

DRAWS, NOISE_SEED = 2, 0
Result = TypeVar("Result")


class Options(BaseModel):
    """What a user may choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=NOISE_SEED, ge=0, lt=2**32, description="seed of the noise draws")
    noise_draws: int = Field(default=DRAWS, ge=1, le=64, description="noise draws that a probability averages")
    formulas_per_length: int = Field(
        default=1000, ge=10, le=10_000, description="formulas in each length bucket of the direct test"
    )
    direct_test: bool = Field(default=True, description="whether to run the direct length test")


def with_option_parameters(
    function: Callable[..., Result], annotation_of: Callable[[FieldInfo], object]
) -> Callable[..., Result]:
    """A function of `options`, as one that takes every field of `Options` by its name instead.

    FastAPI and Typer make form fields and command-line options of the parameters that a signature shows;
    `annotation_of` says how each wants a field annotated.
    """

    @wraps(function)
    def spread(**arguments: Any) -> Result:
        options = Options(**{name: arguments.pop(name) for name in Options.model_fields})
        return function(**arguments, options=options)

    signature = inspect.signature(function)
    parameters = [parameter for name, parameter in signature.parameters.items() if name != "options"]
    parameters += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=field.default, annotation=annotation_of(field))
        for name, field in Options.model_fields.items()
    ]
    vars(spread)["__signature__"] = signature.replace(parameters=parameters)
    spread.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return spread

"""What a view method says of itself: one line above it, and its docstring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """`parameters` come in the query string, or in the body of POST, PUT and PATCH. `answer`: the body of a
    success; None for none. `status`: of a success; if not given 200, or 204 without an answer. `example`: the
    smallest call that works, where the required parameters alone are not enough. `operation_id` and `tag`
    follow from the path otherwise. `also`: other statuses that have the same body."""

    parameters: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 0
    example: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[int, ...] = ()
    operation_id: str | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        if not self.status:
            object.__setattr__(self, "status", 204 if self.answer is None else 200)


def describe(
    parameters: type[BaseModel] | None = None, answer: type[BaseModel] | None = None, **more: Any
) -> Callable[[Method], Method]:
    """Describes a method of a view; see Operation. The first paragraph of its docstring is the summary."""

    def with_operation(method: Method) -> Method:
        method.operation = Operation(parameters, answer, **more)  # type: ignore[attr-defined]
        return method

    return with_operation

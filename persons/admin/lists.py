"""Lists of what there may be millions of."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

# To count a million rows takes longer than to show the first fifty, and nobody turns two hundred pages.
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator[Any]):
    """Pages of the first rows; what lies beyond is for searches and filters."""

    template_name = "persons/admin/pagination.html"

    @cached_property
    def _counted(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by().values("pk")[: MOST_COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        """How many rows the pages have."""
        return min(self._counted, MOST_COUNTED)

    @cached_property
    def is_cut_off(self) -> bool:
        """Whether there are more rows than that."""
        return self._counted > MOST_COUNTED


class BoundedList(ChangeList):
    """A list that is not counted beyond what it shows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            # Otherwise the frame offers to show everything, which is what it shows.
            self.full_result_count = self.result_count

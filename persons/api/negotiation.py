"""What the Accept header wishes, where a view has more than one form."""

from collections.abc import Iterable, Sequence

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):
    """By quality (RFC 9110, 12.5.1), which DRF does not look at; a path that ends in `.csv` or
    `.ndjson` has decided."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        if format_suffix:
            (renderer,) = self.filter_renderers(renderers, format_suffix)
            return renderer, renderer.media_type
        super().select_renderer(request, renderers)
        accepted = [MediaType(each) for each in self.get_accept_list(request)]
        # Of equals the first one: JSON.
        (quality, *_), renderer = max(
            ((_wish(accepted, each.media_type), each) for each in renderers), key=lambda pair: pair[0]
        )
        if not quality:
            raise NotAcceptable
        return renderer, renderer.media_type


def _wish(accepted: Sequence[MediaType], media_type: str) -> tuple[float, int, int]:
    """How much a type is wished for: by quality, then by how exactly it was named, then by how early."""
    named = [
        (each.specificity, -place, each.quality)
        for place, each in enumerate(accepted)
        if each.match(media_type)
    ]
    specificity, place, quality = max(named, default=(0, 0, 0.0))
    return quality, specificity, place

"""What the site answers when something is not there, or not allowed."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from persons.admin.base import page


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refusal(request, 404, "Not found", "There is nothing here that you may see.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refusal(request, 403, "Not allowed", str(exception) or "You may not do this.")


def _refusal(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if not admin.site.has_permission(request):
        return redirect("admin:login")
    response = page(request, "refusal.html", title, text=text)
    response.status_code = status
    return response.render()

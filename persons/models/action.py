from django.db import models
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.project import Project
from persons.models.user import User


class Action(models.Model):
    """Events that mean the same, under one name: those that match any of the steps."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="actions")
    name = models.CharField(max_length=400)
    description = models.TextField(default="", blank=True)
    steps = models.JSONField(default=list, encoder=Encoder, decoder=Decoder)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

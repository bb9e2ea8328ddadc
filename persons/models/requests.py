from django.db import models


class RequestCount(models.Model):
    """How many requests somebody has made since a stretch of time began that lasts until `ends_at`.

    One row for each key or user and rate. The table is unlogged: after a crash of PostgreSQL counting begins
    anew.
    """

    bucket = models.CharField(max_length=100, primary_key=True)
    count = models.IntegerField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.bucket}: {self.count}"

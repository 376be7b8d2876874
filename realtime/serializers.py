from rest_framework import serializers


class TicketSerializer(serializers.Serializer[dict[str, object]]):
    ticket = serializers.CharField(help_text="For `?ticket=` of /ws/v1. It works once.")
    expires_in_s = serializers.IntegerField()

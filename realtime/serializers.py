from rest_framework import serializers


class PositionSerializer(serializers.Serializer[dict[str, object]]):
    channel = serializers.CharField()
    epoch = serializers.CharField(help_text="Names the count that offsets belong to.")
    offset = serializers.IntegerField(help_text="How far the channel had come.")


class TicketSerializer(serializers.Serializer[dict[str, object]]):
    ticket = serializers.CharField(help_text="For `?ticket=` of /ws/v1. It works once.")
    expires_in_s = serializers.IntegerField()

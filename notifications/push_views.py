from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest, device_of
from core.api.serializers import InputSerializer, ReadSerializer
from core.api.views import ApiView, ApiViewSet
from notifications.models import PushDevice
from notifications.push import devices, transports, vapid
from notifications.push.models import MAX_TOKEN
from notifications.push.repositories import PushDeviceRepository

Kind = PushDevice.Kind
KINDS = [Kind.WEB.value, Kind.FCM.value, Kind.APNS.value]
"""What registers itself. That a number is one's own would have to be shown first."""


class KeysSerializer(InputSerializer):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=32)


class PushDeviceInputSerializer(InputSerializer):
    """A browser's subscription has `endpoint` and `keys`, a phone has `token`."""

    kind = serializers.ChoiceField(KINDS)
    endpoint = serializers.CharField(max_length=MAX_TOKEN, required=False, trim_whitespace=False)
    keys = KeysSerializer(required=False)
    token = serializers.CharField(max_length=MAX_TOKEN, required=False, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        is_web = attrs["kind"] == Kind.WEB
        needed, foreign = {"endpoint", "keys"}, {"token"}
        if not is_web:
            needed, foreign = foreign, needed
        missing = dict.fromkeys(sorted(needed - attrs.keys()), "required")
        extra = dict.fromkeys(sorted(foreign & attrs.keys()), "invalid")
        words = {"required": "This kind needs it.", "invalid": "This kind has none."}
        if missing or extra:
            found = {**missing, **extra}
            raise serializers.ValidationError(
                {name: [ErrorDetail(words[c], c)] for name, c in found.items()}
            )
        return attrs


class PushDeviceSerializer(ReadSerializer[PushDevice]):
    """`current` marks what this session registered. Where it is sent to is never shown."""

    current = serializers.SerializerMethodField()

    class Meta:
        model = PushDevice
        fields = ["id", "kind", "device", "created_at", "last_used_at", "current"]
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["session_id"]

    def get_current(self, device: PushDevice) -> bool:
        return device.session_id == self.context["request"].auth.session_id  # type: ignore[no-any-return]


class PushKeySerializer(serializers.Serializer[Any]):
    """`public_key` is what a browser takes as `applicationServerKey`."""

    public_key = serializers.CharField()
    kinds = serializers.ListField(child=serializers.ChoiceField(KINDS))


class PushDeviceViewSet(mixins.ListModelMixin, ApiViewSet):
    """The browsers and phones that your notifications are pushed to, the newest first."""

    queryset = PushDevice.objects.all()
    serializer_class = PushDeviceSerializer
    ordering_fields: ClassVar[list[str]] = ["created_at"]

    def get_queryset(self) -> PushDeviceRepository:
        if getattr(self, "swagger_fake_view", False):  # schema generation has no caller
            return PushDevice.objects.none()
        me: UUID = self.request.user.pk  # type: ignore[assignment]  # signed in by now
        return PushDevice.objects.of(me).open()

    @extend_schema(
        request=PushDeviceInputSerializer,
        responses={201: PushDeviceSerializer, 200: PushDeviceSerializer},
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Have your notifications pushed to this device, for as long as you are signed in on it.

        200 for one that is known; it is yours from now on.
        """
        body = PushDeviceInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        keys = given.get("keys", {})
        token = given.get("endpoint") or given["token"]
        address = devices.Address(
            given["kind"], token, keys.get("p256dh", ""), keys.get("auth", "")
        )
        made, is_new = devices.register(
            address,
            user_id=request.user.pk,
            session_id=request.auth.session_id,
            device=device_of(request),
            now=timezone.now(),
        )
        shown = PushDeviceSerializer(made, context=self.get_serializer_context())
        return Response(shown.data, status=201 if is_new else 200)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, device_id: UUID) -> Response:
        """Push nothing more to it."""
        devices.end(
            device_id=device_id, user_id=request.user.pk, reason="removed", now=timezone.now()
        )
        return Response(status=204)


class PushKeyView(ApiView):
    @extend_schema(responses=PushKeySerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        """The key that browsers subscribe with, and the kinds of devices that can be reached."""
        reached = transports.ways()
        kinds = [kind for kind in KINDS if kind in reached]
        return Response({"public_key": vapid.public_key(), "kinds": kinds})

from django.urls import path

from flags import ofrep
from flags.event_streams import EventsView

urlpatterns = [
    path("events", EventsView.as_view()),
    path("evaluate/flags", ofrep.EvaluateAllView.as_view()),
    path("evaluate/flags/<path:key>", ofrep.EvaluateView.as_view()),
]

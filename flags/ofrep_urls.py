from django.urls import path

from flags import ofrep

urlpatterns = [
    path("evaluate/flags", ofrep.EvaluateAllView.as_view()),
    path("evaluate/flags/<path:key>", ofrep.EvaluateView.as_view()),
]

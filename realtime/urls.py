from django.urls import path

from realtime import views

urlpatterns = [
    path("realtime/positions", views.PositionView.as_view()),
    path("realtime/tickets", views.TicketView.as_view()),
]

from django.urls import path

from realtime import views

urlpatterns = [path("realtime/tickets", views.TicketView.as_view())]

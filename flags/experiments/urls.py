from django.urls import path

from flags.experiments import views

EXPERIMENT = "/experiments/<uuid:experiment_id>"
MANAGEMENT = views.ExperimentViewSet.as_view

urlpatterns = [
    path("/exposures", views.ExposuresView.as_view()),
    path("/goals", views.GoalsView.as_view()),
    path("/experiments", MANAGEMENT({"get": "list", "post": "start"})),
    path(EXPERIMENT, MANAGEMENT({"get": "retrieve"})),
    path(f"{EXPERIMENT}/stop", MANAGEMENT({"post": "stop"})),
    path(f"{EXPERIMENT}/results", MANAGEMENT({"get": "results"})),
]

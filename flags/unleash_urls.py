from django.urls import path

from flags import unleash_views as views

urlpatterns = [
    path("client/features", views.FeaturesView.as_view()),
    path("client/delta", views.DeltaView.as_view()),
    path("client/register", views.RegisterView.as_view()),
    path("client/metrics", views.MetricsView.as_view()),
    path("frontend", views.FrontendView.as_view()),
    path("frontend/client/register", views.RegisterView.as_view()),
    path("frontend/client/metrics", views.MetricsView.as_view()),
]

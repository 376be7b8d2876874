from django.urls import path

from accounts import views

urlpatterns = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/verify-email", views.VerifyEmailView.as_view()),
    path("auth/verify-email/resend", views.ResendVerificationView.as_view()),
    path("auth/token", views.SignInView.as_view()),
    path("auth/token/refresh", views.RefreshView.as_view()),
    path("auth/logout", views.SignOutView.as_view()),
    path("users/me", views.MeView.as_view()),
    path("users/me/sessions", views.SessionViewSet.as_view({"get": "list"})),
]

from django.urls import path

from accounts import views

urlpatterns = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/verify-email", views.VerifyEmailView.as_view()),
    path("auth/verify-email/resend", views.ResendVerificationView.as_view()),
    path("auth/token", views.SignInView.as_view()),
    path("auth/token/refresh", views.RefreshView.as_view()),
    path("auth/reauthenticate", views.ReauthenticateView.as_view()),
    path("auth/logout", views.SignOutView.as_view()),
    path("auth/password/forgot", views.ForgotPasswordView.as_view()),
    path("auth/password/reset", views.ResetPasswordView.as_view()),
    path("auth/password/change", views.ChangePasswordView.as_view()),
    path("auth/email/change", views.ChangeEmailView.as_view()),
    path("auth/email/confirm", views.ConfirmEmailView.as_view()),
    path("auth/email/revert", views.RevertEmailView.as_view()),
    path("auth/deletion/cancel", views.CancelDeletionView.as_view()),
    path("users/me", views.MeView.as_view()),
    path(
        "users/me/sessions",
        views.SessionViewSet.as_view({"get": "list", "delete": "destroy_others"}),
    ),
    path(
        "users/me/sessions/<uuid:session_id>",
        views.SessionViewSet.as_view({"delete": "destroy"}),
    ),
]

from django.urls import include, path

from accounts import views

# Grouped by their beginnings, in all apps: Django tries one pattern after the other, and a group
# whose beginning differs is passed over in one step.
AUTH = [
    path("register", views.RegisterView.as_view()),
    path("verify-email", views.VerifyEmailView.as_view()),
    path("verify-email/resend", views.ResendVerificationView.as_view()),
    path("token", views.SignInView.as_view()),
    path("token/refresh", views.RefreshView.as_view()),
    path("reauthenticate", views.ReauthenticateView.as_view()),
    path("logout", views.SignOutView.as_view()),
    path("password/forgot", views.ForgotPasswordView.as_view()),
    path("password/reset", views.ResetPasswordView.as_view()),
    path("password/change", views.ChangePasswordView.as_view()),
    path("email/change", views.ChangeEmailView.as_view()),
    path("email/confirm", views.ConfirmEmailView.as_view()),
    path("email/revert", views.RevertEmailView.as_view()),
    path("deletion/cancel", views.CancelDeletionView.as_view()),
]

urlpatterns = [
    path("users/me", views.MeView.as_view()),
    path(
        "users/me/sessions",
        views.SessionViewSet.as_view({"get": "list", "delete": "destroy_others"}),
    ),
    path(
        "users/me/sessions/<uuid:session_id>",
        views.SessionViewSet.as_view({"delete": "destroy"}),
    ),
    path("auth/", include(AUTH)),
]

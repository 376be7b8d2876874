"""How often somebody may do something: so many in so many seconds, by what they do."""

from config import env

RATE_LIMITS = env.json_object(
    "RATE_LIMITS",
    default={
        "sign_in": "10/60",
        "sign_in_failures": "5/300",
        "forgot_password": "5/3600",
        "register": "20/3600",
        "verification_mails": "10/3600",
        "invitations": "100/3600",
        "invitations_of_new_organization": "100/86400",
        "invitations_per_inviter": "500/86400",
        "invitations_per_recipient": "20/86400",
        "invitation_resends": "1/60",
        "invitation_resends_per_day": "5/86400",
        "tickets": "60/60",
        "user": "600/60",
        "address": "120/60",
    },
)

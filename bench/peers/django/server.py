"""djangorestframework-api-key as its guide has it: a view that only a key opens, answered with the key's prefix, which
is how it is told from others. The keys are in SQLite.

`python server.py STORE KEYS NUMBER` makes so many keys and writes each as "secret prefix" into the file KEYS;
`gunicorn server:application` with STORE in the environment serves them."""

import os
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

store = os.environ.get("STORE") or sys.argv[1]
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": store,
            # A connection stays with its thread.
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["rest_framework", "rest_framework_api_key"],
    # It says how long an answer is. Sessions, messages and what else a new project has are left out.
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF="server",
    SECRET_KEY="the secret of a benchmark, which signs nothing",
    USE_TZ=True,
)
django.setup()

from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_api_key.permissions import HasAPIKey  # noqa: E402


class Verify(APIView):
    permission_classes = [HasAPIKey]

    def get(self, request):
        # The permission has found the key by its prefix and compared the rest. To ask for the key once more, as the
        # guide does where a view wants to know it, would be a second query.
        key = HasAPIKey.key_parser.get(request)
        return Response({"valid": True, "key": {"id": key.partition(".")[0]}})


urlpatterns = [path("verify", Verify.as_view())]
application = get_wsgi_application()

if __name__ == "__main__":
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with open(sys.argv[2], "w", encoding="ascii") as keys:
        for n in range(int(sys.argv[3])):
            made, secret = APIKey.objects.create_key(name=f"ci-pipeline-{n}")
            keys.write(f"{secret} {made.prefix}\n")

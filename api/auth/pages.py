"""What a person sees in the browser when a sign-in did not work."""

from html import escape
from typing import Any

from litestar import Request, Response

from api.problems import Problem, on_refusal
from core.errors import SensorFlowError

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not signed in · Sensor Flow</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  box-sizing: border-box; font: 1rem/1.5 system-ui, sans-serif; }}
main {{ max-width: 26rem; }}
h1 {{ font-size: 1.375rem; line-height: 1.25; }}
code {{ opacity: .7; }}
</style>
</head>
<body>
<main>
<h1>You are not signed in</h1>
<p>{message}</p>
<p><a href="/auth/login">Sign in</a></p>
<p><code>{code}</code></p>
</main>
</body>
</html>
"""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'",
}


def on_sign_in_problem(
    request: Request[Any, Any, Any], error: SensorFlowError
) -> Response[Problem] | Response[str]:
    """A page for a browser, problem details for anybody else; the status is the same."""
    refusal = on_refusal(request, error)
    if "text/html" not in request.headers.get("accept", ""):
        return refusal
    page = PAGE.format(message=escape(refusal.content.detail), code=escape(error.code))
    return Response(page, status_code=refusal.status_code, media_type="text/html", headers=HEADERS)

"""The HTML page that a browser shows when a sign-in failed."""

from html import escape
from typing import Any

from litestar import Request, Response

from api.http.content_security_policy import NOWHERE, source_of
from api.http.error_handlers import on_sensorflow_error
from api.http.problem_details import Problem
from core.errors import SensorFlowError

STYLE = """
:root { color-scheme: light dark; --ink: #16202a; --paper: #fff; --ground: #eef2f5;
  --line: #c3ccd5; --accent: #0b6b75; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf1; --paper: #1a232c; --ground: #10171d; --line: #3c4a57;
    --accent: #4fc0cb; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  box-sizing: border-box; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 24rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
a { color: var(--accent); font-weight: 600; }
code { opacity: .7; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not signed in · Sensor Flow</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>You are not signed in</h1>
<p>{message}</p>
<p><a href="/auth/login?next=/ui">Sign in</a></p>
<p><code>{code}</code></p>
</main>
</body>
</html>
"""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(
        ["default-src 'none'", f"style-src {source_of(STYLE.encode())}", NOWHERE]
    ),
}


def on_sign_in_problem(
    request: Request[Any, Any, Any], error: SensorFlowError
) -> Response[Problem] | Response[str]:
    """An HTML page for a browser, problem details for other clients; the status is the same."""
    problem = on_sensorflow_error(request, error)
    if "text/html" not in request.headers.get("accept", ""):
        return problem
    page = PAGE.format(style=STYLE, message=escape(problem.content.detail), code=escape(error.code))
    headers = {**problem.headers, **HEADERS}
    return Response(page, status_code=problem.status_code, media_type="text/html", headers=headers)

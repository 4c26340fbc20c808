"""The Content-Security-Policy of the dashboard, and the page where it was not built."""

from api.http.content_security_policy import NOWHERE, source_of

POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind} 'self'" for kind in ("script-src", "style-src", "img-src", "connect-src")),
        NOWHERE,
    ]
)

STYLE = ":root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }"
NOT_BUILT = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sensor Flow</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>The dashboard is not built</h1>
<p>The server runs and its API answers: see <a href="/docs">the reference</a>.</p>
<p>To build it, run <code>make web</code> in the source folder and start the server again.
Wheels and container images contain it.</p>
</main>
</body>
</html>
"""
NOT_BUILT_POLICY = f"default-src 'none'; style-src {source_of(STYLE.encode())}; {NOWHERE}"

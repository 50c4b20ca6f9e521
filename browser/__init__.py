"""What the project draws and looks at in headless Chromium: dashboards, and the pages of the documentation.

Chromium, Node.js and npm are the machine's; packages of npm are fetched once into the cache, by `package-lock.json`.
"""

const page = document.getElementById("redoc");
Redoc.init(page.dataset.schemaUrl, JSON.parse(page.dataset.settings), page);

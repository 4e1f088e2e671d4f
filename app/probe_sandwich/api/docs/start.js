// Swagger UI 5.35.0 (npm: swagger-ui-dist, Apache 2.0), served by the service itself: the docs work without a network.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });

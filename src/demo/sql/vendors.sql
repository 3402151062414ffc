CREATE OR REPLACE TEMP VIEW demo_vendors AS
SELECT domain AS website_domain,
       display_name,
       'https://' || domain AS website_url,
       'https://' || domain || '/favicon.ico' AS favicon_url,
       timestamptz '2025-09-01 08:00:00Z' + number * interval '1 day' AS created_at,
       timestamptz '2025-09-01 08:00:00Z' + number * interval '1 day' AS updated_at
FROM (VALUES
  (1, 'anthropic.example', 'Anthropic'),
  (2, 'openai.example', 'OpenAI'),
  (3, 'google.example', 'Google'),
  (4, 'deepseek.example', 'DeepSeek 深度求索'),
  (5, 'moonshot.example', 'Moonshot 月之暗面'),
  (6, 'bigmodel.example', 'Zhipu 智谱'),
  (7, 'relay-east.example', 'Relay East 东部中转'),
  (8, 'relay-west.example', 'Relay West')
) AS vendor (number, domain, display_name);

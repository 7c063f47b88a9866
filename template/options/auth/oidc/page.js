{% include 'template/shared/page/token.js' -%}

{% include 'template/shared/frontend/token.tsx' -%}

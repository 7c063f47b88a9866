{% include 'template/shared/react/token.tsx' -%}

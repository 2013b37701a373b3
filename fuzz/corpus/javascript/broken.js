var x = ] ) } `${ /[/ ' \u{ eval(atob('YWxlcnQoMSk='

